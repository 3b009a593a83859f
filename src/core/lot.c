// SPDX-License-Identifier: GPL-2.0-only
#include "core/lot.h"

enum uw_lot uw_lot(enum uw_verdict v)
{
	switch (v) {
	case UW_ANSWERED:
	case UW_SERVED:
	case UW_FORWARDED:
		return UW_LOT_GOOD;
	case UW_NO_REPLY:
	case UW_REJECTED:
	case UW_MISDIRECTED:
	case UW_ANSWERED_LATE:
		return UW_LOT_LOST;
	case UW_SEND_FAILED:
	case UW_REQUEST_DROPPED:
	case UW_REQUEST_HELD:
	case UW_REPLY_DROPPED:
	case UW_REPLY_HELD:
	case UW_REPLY_UNREAD:
	case UW_REQUEST_UNREAD:
	case UW_NOT_SERVED:
		return UW_LOT_HERE;
	default:
		return UW_LOT_OTHER;
	}
}

uint64_t uw_lot_count(const uint64_t count[UW_VERDICTS], enum uw_lot lot)
{
	uint64_t n = 0;
	unsigned v;

	for (v = 0; v < UW_VERDICTS; v++)
		n += uw_lot(v) == lot ? count[v] : 0;
	return n;
}
