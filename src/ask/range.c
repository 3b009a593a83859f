// SPDX-License-Identifier: GPL-2.0-only
#include "ask/range.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits, one sign, one point: no exponent, "inf" or "nan", which strtod() would take. */
static int take_number(const char **s, double *out)
{
	size_t sign = **s == '-', len = sign + strspn(*s + sign, "0123456789.");
	char *end;

	if (len == sign || !memchr("0123456789", (*s)[len - 1], 10))
		return -EINVAL;
	*out = strtod(*s, &end);
	if (end != *s + len)
		return -EINVAL;
	*s = end;
	return 0;
}

/* "LOW:", "~:"; without a colon there is no low end, and it is 0. */
static int take_low(const char **s, double *low)
{
	const char *colon = strchr(*s, ':');
	int err = 0;

	*low = 0;
	if (!colon)
		return 0;
	if (**s == '~') {
		*low = -INFINITY;
		(*s)++;
	} else if (*s != colon) {
		err = take_number(s, low);
	}
	if (err || *s != colon)
		return -EINVAL;
	(*s)++;
	return 0;
}

int uw_range_parse(const char *s, struct uw_range *r)
{
	struct uw_range new = {.high = INFINITY};
	size_t len = strlen(s);
	bool open_end;

	if (!len || len >= sizeof(new.text))
		return -EINVAL;
	memcpy(new.text, s, len + 1);
	new.inside = *s == '@';
	s += new.inside;
	if (take_low(&s, &new.low))
		return -EINVAL;
	open_end = !*s && strchr(new.text, ':');
	if (!open_end && (take_number(&s, &new.high) || *s))
		return -EINVAL;
	if (new.low > new.high)
		return -EINVAL;
	*r = new;
	return 0;
}

bool uw_range_alerts(const struct uw_range *r, double value)
{
	bool within = value >= r->low && value <= r->high;

	return r->text[0] && within == r->inside;
}
