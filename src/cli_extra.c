// SPDX-License-Identifier: GPL-2.0-only
#include "cli_extra.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text_safe.h"

#define OPTION "--extra-opts"

/* Where the Monitoring Plugins look, the old names last. */
static const char *const usual[] = {
	"/etc/monitoring-plugins/monitoring-plugins.ini", "/etc/monitoring-plugins.ini",
	"/usr/local/etc/monitoring-plugins/monitoring-plugins.ini", "/usr/local/etc/monitoring-plugins.ini",
	"/etc/nagios/plugins.ini", "/etc/nagios-plugins.ini",
};

__attribute__((format(printf, 2, 3)))
static int fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, UW_CLI_ERROR_MAX, format, args);
	va_end(args);
	return -1;
}

/* --- the file's text --- */

struct span {
	const char *at;
	size_t len;
};

static struct span trimmed(const char *at, size_t len)
{
	while (len && isspace((unsigned char)*at)) {
		at++;
		len--;
	}
	while (len && isspace((unsigned char)at[len - 1]))
		len--;
	return (struct span){ at, len };
}

static bool is_section(struct span s, const char *name)
{
	s = trimmed(s.at + 1, s.len - 2);
	return s.len == strlen(name) && memcmp(s.at, name, s.len) == 0;
}

/* "key = value", "key": an option's name, or its letter; quotes around a value go. */
static int add_word(struct span s, unsigned line, struct uw_extra *x, char *error)
{
	const char *equals = memchr(s.at, '=', s.len);
	struct span key = trimmed(s.at, equals ? (size_t)(equals - s.at) : s.len), value = { "", 0 };
	char *word;
	int n;

	if (equals)
		value = trimmed(equals + 1, (size_t)(s.at + s.len - equals - 1));
	if (value.len > 1 && strchr("'\"", *value.at) && value.at[value.len - 1] == *value.at)
		value = (struct span){ value.at + 1, value.len - 2 };
	if (!key.len || *key.at == '-')
		return fail(error, OPTION ": line %u of %s does not begin with the name of an option", line, x->file);
	if (x->words.argc == UW_EXTRA_WORDS)
		return fail(error, OPTION ": more than %d options in %s", UW_EXTRA_WORDS, x->file);
	n = asprintf(&word, key.len == 1 ? "-%.*s%s%.*s" : "--%.*s%s%.*s", (int)key.len, key.at,
		     equals && key.len > 1 ? "=" : "", (int)value.len, value.at);
	if (n < 0)
		return fail(error, OPTION ": out of memory");
	x->line[x->words.argc] = line;
	x->word[x->words.argc++] = word;
	return 0;
}

int uw_extra_parse(const char *text, size_t size, const char *section, struct uw_extra *x, char error[UW_CLI_ERROR_MAX])
{
	const char *end = text + size;
	bool inside = false, found = false;
	unsigned line = 0;

	if (memchr(text, '\0', size))
		return fail(error, OPTION ": %s is no text", x->file);
	for (const char *next; text < end; text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		struct span s = trimmed(text, (size_t)((stop ? stop : end) - text));

		next = stop ? stop + 1 : end;
		line++;
		if (!s.len || *s.at == '#' || *s.at == ';')
			continue;
		if (*s.at == '[') {
			if (s.len < 2 || s.at[s.len - 1] != ']')
				return fail(error, OPTION ": line %u of %s: a section without its ]", line, x->file);
			inside = is_section(s, section);
			found |= inside;
		} else if (inside && add_word(s, line, x, error)) {
			return -1;
		}
	}
	return found ? 0 : fail(error, OPTION ": %s has no section of this name", x->file);
}

/* --- the file --- */

/* No device, no pipe: nothing that would make us wait. */
static int open_plain(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

static int read_all(int fd, char text[UW_EXTRA_BYTES + 1], size_t *size)
{
	ssize_t n;

	for (*size = 0; *size <= UW_EXTRA_BYTES; *size += (size_t)n) {
		n = read(fd, text + *size, UW_EXTRA_BYTES + 1 - *size);
		if (n <= 0)
			return n ? -errno : 0;
	}
	return -EFBIG;
}

static int open_any(const char *path, struct uw_extra *x)
{
	const char *const *list = *path ? &path : usual;
	size_t count = *path ? 1 : sizeof(usual) / sizeof(*usual), i;
	int fd = -1;

	for (i = 0; i < count && fd < 0; i++) {
		fd = open_plain(list[i]);
		if (fd >= 0 || *path)
			uw_safe_text(list[i], strlen(list[i]), x->file, sizeof(x->file));
	}
	return fd;
}

static int read_file(const char *path, const char *section, struct uw_extra *x, char *error)
{
	int fd = open_any(path, x), err;
	char *text;
	size_t size;

	if (fd < 0 && !*path)
		return fail(error, OPTION ": none of the usual files is there: name one with @FILE");
	if (fd < 0)
		return fail(error, OPTION ": cannot read %s: %s", x->file,
			    errno == EINVAL ? "it is no regular file" : strerror(errno));
	text = malloc(UW_EXTRA_BYTES + 1);
	err = text ? read_all(fd, text, &size) : -ENOMEM;
	close(fd);
	if (err)
		fail(error, OPTION ": cannot read %s: %s", x->file, strerror(-err));
	else
		err = uw_extra_parse(text, size, section, x, error);
	free(text);
	return err ? -1 : 0;
}

/* --- the command line --- */

static const char *own_section(int argc, char *const argv[])
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "ntp") == 0)
			return "check_ntp_time";
		if (strcmp(argv[i], "dns") == 0)
			break;
	}
	return "check_dns";
}

static int take_one(const char *what, const char *own, struct uw_extra *x, char *error)
{
	const char *at = strchr(what, '@');
	size_t len = at ? (size_t)(at - what) : strlen(what);
	char section[UW_EXTRA_SECTION];

	if (len >= sizeof(section))
		return fail(error, OPTION ": the name of a section has %d bytes at the most", UW_EXTRA_SECTION - 1);
	snprintf(section, sizeof(section), "%.*s", (int)len, what);
	return read_file(at ? at + 1 : "", len ? section : own, x, error);
}

int uw_extra_take(int argc, char *argv[], struct uw_extra *x, char error[UW_CLI_ERROR_MAX])
{
	bool options = true, taken = false;
	const size_t n = strlen(OPTION);

	*x = (struct uw_extra){ .argv = argv, .argc = argc };
	x->words = (struct uw_cli_extra){ .argv = x->word, .line = x->line, .file = x->file };
	if (argc < 3 || strcmp(argv[1], "probe") != 0)
		return 0;
	x->argv = x->own = calloc((size_t)argc + 1, sizeof(*x->own));
	if (!x->own)
		return fail(error, "out of memory");
	x->argc = 0;
	for (int i = 0; i < argc; i++) {
		bool ours = options && strncmp(argv[i], OPTION, n) == 0 && (!argv[i][n] || argv[i][n] == '=');

		options &= strcmp(argv[i], "--") != 0;
		if (!ours) {
			x->argv[x->argc++] = argv[i];
			continue;
		}
		if (taken)
			return fail(error, OPTION " is given twice");
		taken = true;
		if (take_one(argv[i] + n + !!argv[i][n], own_section(argc, argv), x, error))
			return -1;
	}
	return 0;
}

void uw_extra_free(struct uw_extra *x)
{
	for (int i = 0; i < x->words.argc; i++)
		free(x->word[i]);
	free(x->own);
}
