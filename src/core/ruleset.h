/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of nftables' rules: one listing of a namespace's ruleset, and the last few of each
 * namespace, so that a drop gets the text of the ruleset that dropped it. Pure; names and texts are
 * raw bytes of others.
 */
#ifndef UW_RULESET_H
#define UW_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rule.h"

struct uw_ruleset;

/**
 * uw_ruleset_parse - read what "nft -a -s -t list ruleset" prints.
 * Return: a ruleset to be freed by uw_ruleset_free(), NULL without memory. What does not look like
 * a listing gives a ruleset without rules.
 */
struct uw_ruleset *uw_ruleset_parse(const char *listing);
void uw_ruleset_free(struct uw_ruleset *s);

/** uw_ruleset_comment - a comment that the listing does not show (iptables-nft's) joins its rule's text. */
void uw_ruleset_comment(struct uw_ruleset *s, const char *family, const char *table, uint64_t handle,
			const char *comment);

/** uw_ruleset_text - a rule's text, NULL if the ruleset has no such rule. */
const char *uw_ruleset_text(const struct uw_ruleset *s, const char *family, const char *table,
			    uint64_t handle);

/** uw_ruleset_same_table - whether a table lived from one listing to the other: so did its rules. */
bool uw_ruleset_same_table(const struct uw_ruleset *a, const struct uw_ruleset *b, const char *family,
			   const char *table);

/** uw_ruleset_has - whether a user's table of the family exists. */
bool uw_ruleset_has(const struct uw_ruleset *s, const char *family);

/**
 * uw_ruleset_ingress - the devices with a chain of a user's in their ingress hook.
 * Return: names separated by ", " and quoted as nft reads them; "" for none.
 */
const char *uw_ruleset_ingress(const struct uw_ruleset *s);

/** uw_nft_family - NFPROTO_* as nft calls it, "" for one unknown. */
const char *uw_nft_family(uint32_t family);

/* The last rulesets of all namespaces. */
struct uw_rulebook;

struct uw_rulebook *uw_rulebook_new(void);
void uw_rulebook_free(struct uw_rulebook *b);

/**
 * uw_rulebook_add - a namespace's ruleset as it was throughout an epoch (rule.h).
 * @since_ns: when the epoch began, 0 before we looked; @s: taken over.
 */
void uw_rulebook_add(struct uw_rulebook *b, uint32_t netns, uint32_t epoch, uint64_t since_ns,
		     struct uw_ruleset *s);

/**
 * uw_rulebook_tell - a rule in one line: "inet t in handle 7: udp sport 53 drop comment "x"", or
 * "policy drop of chain inet t in".
 * @when_ns: of the drop. Where the text cannot be told for certain, because the ruleset was changed
 * just then, or was not read, it is left out; what stays is the trace's own word.
 */
void uw_rulebook_tell(const struct uw_rulebook *b, const struct uw_rule *r, uint64_t when_ns, char *buf,
		      size_t size);

#endif
