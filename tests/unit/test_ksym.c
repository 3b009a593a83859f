// SPDX-License-Identifier: GPL-2.0-only
/* Kernel symbols out of files: ranges of modules, aliases, refresh, hostile lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/ksym.h"

struct files {
	char kallsyms[64], modules[64];
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
	struct files *f = calloc(1, sizeof(*f));
	int fd[2];

	assert_non_null(f);
	strcpy(f->kallsyms, "/tmp/uw_kallsyms.XXXXXX");
	strcpy(f->modules, "/tmp/uw_modules.XXXXXX");
	fd[0] = mkstemp(f->kallsyms);
	fd[1] = mkstemp(f->modules);
	assert_true(fd[0] >= 0 && fd[1] >= 0);
	close(fd[0]);
	close(fd[1]);
	*state = f;
	return 0;
}

static int remove_files(void **state)
{
	struct files *f = *state;

	unlink(f->kallsyms);
	unlink(f->modules);
	free(f);
	return 0;
}

static struct uw_ksyms *load(const struct files *f, const char *kallsyms, const char *modules)
{
	struct uw_ksyms *k = NULL;

	write_file(f->kallsyms, kallsyms);
	write_file(f->modules, modules);
	assert_int_equal(uw_ksyms_load_from(&k, f->kallsyms, f->modules), 0);
	return k;
}

static void assert_symbol(const struct uw_ksyms *k, uint64_t address, const char *want, uint64_t at)
{
	const char *name = NULL;
	uint64_t offset = ~0ull;

	assert_true(uw_ksym_find(k, address, &name, &offset));
	assert_string_equal(name, want);
	assert_int_equal(offset, at);
}

static void assert_nothing(const struct uw_ksyms *k, uint64_t address)
{
	const char *name = "untouched";
	uint64_t offset = 5;

	assert_false(uw_ksym_find(k, address, &name, &offset));
	assert_string_equal(name, "untouched");
	assert_int_equal(offset, 5);
}

static const char kernel[] =
	"ffffffff81000000 T _stext\n"
	"ffffffff81000000 T first_alias\n"
	"ffffffff81000100 t ip_rcv_finish_core.constprop.0\n"
	"ffffffff81000180 d some_data\n"
	"ffffffff81000200 W weak_one\n"
	"ffffffff81001000 T _etext\n"
	"ffffffffc0a00000 t nft_do_chain\t[nf_tables]\n"
	"ffffffffc0a00400 t nft_last\t[nf_tables]\n"
	"ffffffffc0b00000 t br_handle_frame\t[bridge]\n"
	"ffffffffc0c00000 t bpf_prog_6deef7357e7b4530_kfree\t[bpf]\n";

static const char modules[] =
	"nf_tables 4096 3 nft_ct,nft_compat, Live 0xffffffffc0a00000\n"
	"bridge 8192 0 - Live 0xffffffffc0b00000 (E)\n";

static void finds_functions(void **state)
{
	struct uw_ksyms *k = load(*state, kernel, modules);
	const char *name;

	assert_int_equal(uw_ksyms_count(k), 9);
	assert_symbol(k, 0xffffffff81000000, "_stext", 0);
	assert_symbol(k, 0xffffffff810000ff, "_stext", 0xff);
	assert_symbol(k, 0xffffffff810001f0, "ip_rcv_finish_core.constprop.0", 0xf0);
	assert_symbol(k, 0xffffffff81000fff, "weak_one", 0xdff);
	assert_symbol(k, 0xffffffffc0a003e8, "nft_do_chain", 0x3e8);
	assert_true(uw_ksym_find(k, 0xffffffffc0b00001, &name, NULL));
	assert_string_equal(name, "br_handle_frame");
	uw_ksyms_free(k);
}

static void never_a_neighbours_symbol(void **state)
{
	struct uw_ksyms *k = load(*state, kernel, modules);

	assert_nothing(k, 0);
	assert_nothing(k, 0xffffffff80ffffff);
	assert_symbol(k, 0xffffffffc0a00fff, "nft_last", 0xbff);
	assert_nothing(k, 0xffffffffc0a01000);	/* a module loaded later, right behind */
	assert_nothing(k, 0xffffffffc0affff0);
	assert_symbol(k, 0xffffffffc0b01fff, "br_handle_frame", 0x1fff);
	assert_nothing(k, 0xffffffffc0b02000);
	assert_symbol(k, 0xffffffffc0c10000, "bpf_prog_6deef7357e7b4530_kfree", 0x10000);
	assert_nothing(k, 0xffffffffc0d00000);
	assert_nothing(k, 0xffffffff90000000);	/* behind _etext */
	assert_nothing(k, ~0ull);
	uw_ksyms_free(k);
}

static void unsorted_input(void **state)
{
	struct uw_ksyms *k = load(*state,
				  "ffffffff81000300 T c\nffffffff81000100 T a\n"
				  "ffffffff81000200 T b\nffffffff81000200 T b_alias\n"
				  "ffffffff81001000 T _etext\n", "");

	assert_symbol(k, 0xffffffff81000101, "a", 1);
	assert_symbol(k, 0xffffffff81000201, "b", 1);
	assert_symbol(k, 0xffffffff81000301, "c", 1);
	uw_ksyms_free(k);
}

static void refresh_when_a_module_comes(void **state)
{
	const struct files *f = *state;
	struct uw_ksyms *k = load(f, kernel, modules);
	char text[1024];

	assert_int_equal(uw_ksyms_refresh_if_modules_changed(k), 0);
	/* users and reference counts change all day long */
	write_file(f->modules, "nf_tables 4096 9 nft_ct, Live 0xffffffffc0a00000\n"
			       "bridge 8192 1 - Live 0xffffffffc0b00000 (E)\n");
	assert_int_equal(uw_ksyms_refresh_if_modules_changed(k), 0);

	snprintf(text, sizeof(text), "%sffffffffc0e00000 t udp_eater\t[eater]\n", kernel);
	write_file(f->kallsyms, text);
	assert_nothing(k, 0xffffffffc0e00010);
	snprintf(text, sizeof(text), "%seater 4096 0 - Live 0xffffffffc0e00000\n", modules);
	write_file(f->modules, text);
	assert_int_equal(uw_ksyms_refresh_if_modules_changed(k), 1);
	assert_symbol(k, 0xffffffffc0e00010, "udp_eater", 0x10);
	assert_int_equal(uw_ksyms_refresh_if_modules_changed(k), 0);
	uw_ksyms_free(k);
}

static void failed_refresh_keeps_the_table(void **state)
{
	const struct files *f = *state;
	struct uw_ksyms *k = load(f, kernel, modules);

	write_file(f->modules, "");
	write_file(f->kallsyms, "0000000000000000 T hidden\n");
	assert_int_equal(uw_ksyms_refresh_if_modules_changed(k), -EPERM);
	assert_symbol(k, 0xffffffffc0a003e8, "nft_do_chain", 0x3e8);
	uw_ksyms_free(k);
}

static void errors(void **state)
{
	const struct files *f = *state;
	struct uw_ksyms *k = NULL;

	write_file(f->kallsyms, "0000000000000000 T a\n0000000000000000 t b\n");
	assert_int_equal(uw_ksyms_load_from(&k, f->kallsyms, f->modules), -EPERM);
	write_file(f->kallsyms, "");
	assert_int_equal(uw_ksyms_load_from(&k, f->kallsyms, f->modules), -ENODATA);
	assert_int_equal(uw_ksyms_load_from(&k, "/nonexistent/kallsyms", f->modules), -ENOENT);
	assert_null(k);
	write_file(f->kallsyms, kernel);
	assert_int_equal(uw_ksyms_load_from(&k, f->kallsyms, "/nonexistent/modules"), 0);
	uw_ksyms_free(k);
	uw_ksyms_free(NULL);
}

static void hostile_lines_are_skipped(void **state)
{
	char text[6000];
	struct uw_ksyms *k;

	strcpy(text, "\n \nzz T x\nffffffff81000000\nffffffff81000000 \nffffffff81000000 T\n"
		     "ffffffff81000000 T \nffffffff81000000 TT x\nffffffff81000000 T \t[m]\n"
		     "ffffffff81000040 T fine\t[]\nffffffff81000080 T ok [unclosed\n");
	memset(text + strlen(text), 'a', 4000);
	text[5000] = '\0';
	k = load(*state, text, "short\n 0x\nname notanumber 0 - Live 0xff\n");
	assert_int_equal(uw_ksyms_count(k), 2);
	assert_symbol(k, 0xffffffff81000041, "fine", 1);
	assert_symbol(k, 0xffffffff81000081, "ok", 1);
	uw_ksyms_free(k);
}

static void compiler_suffixes(void **state)
{
	(void)state;
	assert_int_equal(uw_ksym_base_length("ip_rcv"), 6);
	assert_int_equal(uw_ksym_base_length("ip_rcv.isra.0.cold"), 6);
	assert_int_equal(uw_ksym_base_length("f.part.12"), 1);
	assert_int_equal(uw_ksym_base_length("f.llvm.123456"), 1);
	assert_int_equal(uw_ksym_base_length(".cold"), 5);
	assert_true(uw_ksym_is("ip_rcv_finish_core.constprop.0", "ip_rcv_finish_core"));
	assert_true(uw_ksym_is("ip_rcv", "ip_rcv"));
	assert_false(uw_ksym_is("ip_rcv_core", "ip_rcv"));
	assert_false(uw_ksym_is("ip_rcv", "ip_rcv_core"));
	assert_false(uw_ksym_is("ip_rcv.other", "ip_rcv"));
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, make_files, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(finds_functions),
		FILE_TEST(never_a_neighbours_symbol),
		FILE_TEST(unsorted_input),
		FILE_TEST(refresh_when_a_module_comes),
		FILE_TEST(failed_refresh_keeps_the_table),
		FILE_TEST(errors),
		FILE_TEST(hostile_lines_are_skipped),
		cmocka_unit_test(compiler_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
