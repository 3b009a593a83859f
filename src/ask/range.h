/* SPDX-License-Identifier: GPL-2.0-only */
/* A threshold as the Monitoring Plugins guidelines write it: "10", "10:", "~:10", "10:20", "@10:20". */
#ifndef UW_RANGE_H
#define UW_RANGE_H

#include <stdbool.h>

#define UW_RANGE_TEXT 32

struct uw_range {
	bool inside;	/* "@": alert within low..high, ends included; else outside */
	double low, high;
	char text[UW_RANGE_TEXT];	/* as given, for perfdata; "" none: never alerts */
};

/** uw_range_parse - the whole of @s or -EINVAL, and then @r is left alone. */
int uw_range_parse(const char *s, struct uw_range *r);

/** uw_range_alerts - whether @value is one to alert on. */
bool uw_range_alerts(const struct uw_range *r, double value);

#endif
