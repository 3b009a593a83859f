/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that is counted per CPU in the kernel. One line each: name, what the user reads.
 * UW_LOSS is a blind spot of ours; UW_COUNT is a fact about the traffic.
 */
#ifndef UW_STATS_H
#define UW_STATS_H

#define UW_STATS_LIST(COUNT, LOSS)                                                                 \
	COUNT(requests, "requests seen leaving a socket here")                                     \
	COUNT(answered, "queries that got an answer")                                       \
	COUNT(visitors, "requests that came in by a device")                                       \
	COUNT(served, "requests that came in and were answered here")                              \
	COUNT(forwarded, "requests that came in and were answered elsewhere")                                        \
	COUNT(duplicate, "further replies to a query already answered")                            \
	COUNT(conflicting, "replies unlike the first answer to their query")                       \
	COUNT(unmatched, "replies to no query, by id, origin timestamp or question")               \
	COUNT(strays_limited, "replies to no query beyond what is looked at in a second")          \
	COUNT(icmp_limited, "ICMP errors with short quotes beyond what is looked at in a second")  \
	COUNT(icmp_unmatched, "ICMP errors quoting no open query")                                 \
	COUNT(tap_copies, "freed copies made for packet sockets, not drops")                       \
	COUNT(driver_freed, "packets freed by a driver after it took them, not drops")             \
	COUNT(suspended, "times the machine slept meanwhile, and saw nothing")                     \
	LOSS(ring_full, "records lost: the ring buffer was full")                                  \
	LOSS(table_full, "queries not followed: the table of open queries was full")               \
	LOSS(server_table_full, "requests that came in and are not followed: the servers' table was full")  \
	LOSS(forwarder_table_full, "requests passing through that are not followed: their table was full") \
	LOSS(causes_full, "drops of visitors' packets not counted: too many causes")                \
	LOSS(flow_table_full, "answers not counted: the table of flows was full")                  \
	LOSS(update_failed, "facts lost: a map refused an update")                                 \
	LOSS(nested, "events lost: a program was interrupted too often")                           \
	LOSS(sweep_failed, "looks at the table of open queries that the kernel broke off")         \
	LOSS(alias_lost, "translated queries whose tuple on the wire was forgotten")               \
	LOSS(vanished, "requests that are gone and whose end was not seen")                        \
	LOSS(reply_unparsed, "replies whose payload could not be read")                            \
	LOSS(request_unparsed, "requests whose payload could not be read")                         \
	LOSS(queue_race, "deliveries not seen: the reader was quicker than the hook")              \
	LOSS(server_queue_race, "deliveries to a server here not seen: it was quicker than the hook")

enum uw_stat {
#define UW_STAT_ENUM(name, text) UW_STAT_##name,
	UW_STATS_LIST(UW_STAT_ENUM, UW_STAT_ENUM)
#undef UW_STAT_ENUM
	UW_STATS,
};

#endif
