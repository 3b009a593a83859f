# SPDX-License-Identifier: GPL-2.0-only
# make            builds build/udpwhy, one file with everything of ours in it
# make demo       installs what is missing, builds, and shows the tool at work (as root)
# make test       installs what is missing, builds, and runs every test (as root)
# make unit       unit tests only, under ASan and UBSan, without root
# make golden     write tests/golden anew from what the text output says now (then read it)
# make scenarios  scenario tests only (as root); make scenarios NAME='dns-*' for some
# make fuzz-verdicts  faults at random, verdicts held against counters and captures (as root);
#                 N=2000 trials, SEED=1; TRIAL=SEED:NUMBER one of them, with all its captures kept
# make test-kernels  the scenarios under other kernels, in QEMU (as root); SERIES='6.1 6.12' for some
# make soak      monitor while everything around it comes and goes, 10 minutes (as root); SECONDS=60
# make bench     what the tracer costs (as root), then packets a second of analyze; SIZE=1G of capture
# make install    DESTDIR= PREFIX=/usr/local

PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1
B ?= build

CLANG ?= clang
# Daemons that setup.sh took out of their packages come first.
export PATH := $(CURDIR)/$(B)/tools/sbin:$(PATH)

BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CPPFLAGS += -D_GNU_SOURCE -DUW_VERSION='"$(VERSION)"' -Iinclude -Isrc -I$(B)
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS)
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -D__bpf__ -Iinclude -Ivmlinux \
	-Wall -Wextra -Wno-unused-parameter -Wno-unused-function -Werror

# libbpf goes into the binary: its version matters, and the host we are copied to may have none.
# Every host with ip, nft or tcpdump has libelf, zlib, libmnl and libpcap. (Debian 13's libelf.a does not
# link, Debian 12 has no libmnl.a.)
LIBBPF := -Wl,-Bstatic -lbpf -Wl,-Bdynamic -lelf -lz
LIBJANSSON := -Wl,-Bstatic -ljansson -Wl,-Bdynamic
LDLIBS += $(LIBBPF) -lmnl -lpcap $(LIBJANSSON) -lm -pthread

# V=1 shows the commands.
ifeq ($(V),1)
Q :=
else
Q = @echo "  $(@:$(B)/%=%)";
endif

SRC := $(wildcard src/*.c src/*/*.c)
OBJ := $(SRC:%.c=$(B)/%.o)
TESTS := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_OBJ := $(patsubst %.c,$(B)/san/%.o,$(filter-out src/main.c,$(SRC)))

.PHONY: all bench bench-analyze bench-overhead clean golden demo fuzz-verdicts install scenarios setup soak test test-kernels unit check-libbpf
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/udpwhy

$(B)/udpwhy: $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/udpwhy.bpf.o: bpf/udpwhy.bpf.c | $(B)/libbpf.ok
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# The same for older verifiers; see bpf/compat.bpf.h.
$(B)/udpwhy_plain.bpf.o: bpf/udpwhy.bpf.c | $(B)/libbpf.ok
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DUW_PLAIN -MMD -MP -c $< -o $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/src/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/san/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SAN) -MMD -MP -c $< -o $@

$(B)/san/%: $(B)/san/tests/unit/%.o $(SAN_OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) -o $@ $^ $(LDLIBS) -lcmocka

$(B)/src/live/live.o $(B)/san/src/live/live.o: $(B)/udpwhy.skel.h
$(B)/src/live/skeleton.o $(B)/san/src/live/skeleton.o: $(B)/udpwhy.skel.h $(B)/udpwhy_plain.skel.h

# Everything is built again when the compiler or its flags change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS)' > $@
FORCE:

$(B)/libbpf.ok:
	@mkdir -p $(@D)
	@pkg-config --atleast-version=1.3 libbpf || { echo "udpwhy needs libbpf 1.3 or newer to build (found: $$(pkg-config --modversion libbpf 2>/dev/null || echo none)). As root, 'make setup' installs what is missing on Debian 12 and 13." >&2; exit 1; }
	@touch $@

setup:
	@scripts/setup.sh build demo test

demo:
	@scripts/setup.sh build demo
	@$(MAKE) --no-print-directory all
	@demo/demo.sh

test:
	@scripts/setup.sh build demo test
	@$(MAKE) --no-print-directory all
	@scripts/lab-root tests/run

unit: $(TESTS:%=$(B)/san/%)
	@bad=; for t in $^; do echo "# $$t"; $$t || bad="$$bad $${t##*/}"; done; \
	[ -z "$$bad" ] || { echo "failed:$$bad" >&2; exit 1; }

# What the scenarios lose packets with; run_scenarios.py makes it.
$(B)/tests/refuse.bpf.o: tests/lib/refuse.bpf.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -idirafter /usr/include/$(shell uname -m)-linux-gnu -c $< -o $@

# What people read, anew: read each file that changed, as the one who will get it, before it goes in.
golden: $(B)/san/test_golden
	@UW_GOLDEN=write $< >/dev/null && git status --short tests/golden

scenarios: all
	@scripts/lab-root tests/run_scenarios.py $(NAME)

# As .ci/run has it: make soak SECONDS=60.
soak: all
	@scripts/lab-root tests/soak.py --seconds $(or $(SECONDS),600)

fuzz-verdicts: all
	@scripts/lab-root tests/fuzz/verdicts.py $(if $(TRIAL),--trial $(TRIAL),-n $(or $(N),2000) --seed $(or $(SEED),1))
	$(if $(TRIAL),,@scripts/lab-root tests/fuzz/roles.py -n $(or $(N),2000) --seed $(or $(SEED),1))

# Hostile files for analyze, under the sanitizers.
$(B)/san/fuzz_readers: $(B)/san/tests/fuzz/readers.o $(SAN_OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) -o $@ $^ $(LDLIBS)

# What the programs cost beside empty ones; then packets a second of analyze, beside tshark and an empty loop
# (SIZE=100M for a smaller file).
bench: bench-overhead bench-analyze

bench-overhead: all $(B)/empty $(B)/tests/empty.bpf.o
	@scripts/lab-root tests/bench/overhead.py

bench-analyze: all $(B)/emptyloop
	@tests/bench/analyze.py $(or $(SIZE),1G)

$(B)/tests/empty.bpf.o: tests/bench/empty.bpf.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/empty: tests/bench/empty.c | $(B)/libbpf.ok
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -o $@ $< $(LIBBPF)

$(B)/emptyloop: tests/bench/emptyloop.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< -lpcap

$(B)/relocate: tests/kernels/relocate.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LIBBPF)

test-kernels: all $(B)/relocate $(B)/tests/refuse.bpf.o
	@tests/kernels/run $(if $(NAME),-g '$(NAME)') $(SERIES)

install: all
	install -D -m 0755 $(B)/udpwhy $(DESTDIR)$(PREFIX)/sbin/udpwhy
	install -D -m 0644 schema/udpwhy.schema.json $(DESTDIR)$(PREFIX)/share/udpwhy/udpwhy.schema.json
	sed 's|/usr/local/|$(PREFIX)/|' man/udpwhy.8 > $(B)/udpwhy.8
	install -D -m 0644 $(B)/udpwhy.8 $(DESTDIR)$(PREFIX)/share/man/man8/udpwhy.8

clean:
	rm -rf $(B)

-include $(OBJ:.o=.d) $(SAN_OBJ:.o=.d) $(wildcard $(B)/san/tests/unit/*.d) $(B)/udpwhy.bpf.d $(B)/udpwhy_plain.bpf.d
