#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# setup.sh GROUP...: installs what scripts/packages lists for the groups (build, demo, test) and
# this machine lacks, on Debian 12 and 13. Says what before it does; with nothing to do it is
# silent and quick. Starts no daemon, adds no apt source, removes no package. SETUP=no: do nothing.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
tools=$(dirname "$here")/build/tools/sbin
private=			# our own scratch directory, once there is one
policy=/usr/sbin/policy-rc.d
policy_mark='udpwhy setup: start nothing while packages are installed'

say() { echo "setup: $*" >&2; }
die() { say "$@"; exit 1; }

# The lines "package how" of the wanted groups.
wanted() {
	awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") { print $2, $3 }' \
		"$here/packages"
}

installed_versions() {
	command -v dpkg-query >/dev/null || return 0
	dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' "$@" 2>/dev/null |
		awk '$2 == "installed" { print $1, $3 }' || true
}

# A daemon that is installed anyway is copied: the copy needs no download, and a system that
# confines /usr/sbin/chronyd to its own configuration (AppArmor goes by path) leaves it alone.
copy_installed() {
	[ -x "$1" ] || return 1
	mkdir -p "$tools" && cp "$1" "$tools/"
}

# Fills the lists: install, unpack (package:path), and missing, for people.
find_missing() {
	local -A have=()
	local package how version lines
	lines=$(wanted "$@")
	while read -r package version; do
		have[$package]=$version
	done < <(installed_versions $(cut -d' ' -f1 <<<"$lines"))

	install=() unpack=() missing=()
	while read -r package how; do
		version=${have[$package]-}
		case $how in
		unpack:*)
			[ -x "$tools/${how##*/}" ] || copy_installed "${how#*:}" || {
				unpack+=("$package:${how#*:}")
				missing+=("$package (${how##*/} only)")
			} ;;
		'>='*)
			[ -n "$version" ] && dpkg --compare-versions "${version#*:}" ge "${how#>=}" || {
				install+=("$package")
				missing+=("$package (${how#>=} or newer${version:+, here is $version})")
			} ;;
		*)
			[ -n "$version" ] || { install+=("$package"); missing+=("$package"); } ;;
		esac
	done <<<"$lines"
}

release() {
	local ID='' VERSION_CODENAME=''
	[ ! -r /etc/os-release ] || . /etc/os-release
	echo "$ID:$VERSION_CODENAME"
}

refuse_unless_possible() {
	local by_hand='Install them by hand, then skip this step: make SETUP=no ...'

	case $(release) in
	debian:bookworm | debian:trixie) ;;
	*) die "this is not Debian 12 or 13, so their names may differ here. $by_hand" ;;
	esac
	command -v apt-get >/dev/null || die "apt-get is not here. $by_hand"
	[ "$(id -u)" = 0 ] || die "installing needs root: run 'sudo scripts/setup.sh $*' first"
}

cleanup() {
	[ -z "$private" ] || rm -rf "$private"
	! grep -qs "$policy_mark" "$policy" || rm -f "$policy"
}

# Package scripts ask policy-rc.d before they start anything; 101 is "forbidden". One that is
# already there belongs to the administrator and stays.
forbid_daemons() {
	local rc=0

	if (set -C; printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy") 2>/dev/null; then
		chmod 755 "$policy"
		return
	fi
	"$policy" udpwhy start >/dev/null 2>&1 || rc=$?
	[ $rc = 101 ] || die "$policy on this machine lets packages start daemons;" \
		"install the packages above by hand, or move that file away for a moment"
}

quietly() {
	"$@" >>"$private/log" 2>&1
}

apt() {
	quietly env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -q \
		--no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@"
}

# One apt source line for bookworm-backports, from the mirror (and its key) that this machine
# uses for bookworm itself.
backports_source() {
	local site entry key
	read -r site entry < <(apt-get indextargets --format '$(CODENAME) $(SITE) $(SOURCESENTRY)' \
		'Created-By: Packages' 'Origin: Debian' | sed -n 's/^bookworm //p') || true
	[ -n "${site-}" ] || return 1
	key=$(grep -oiE 'signed-by *[:=] */[^] ,]+' "${entry%:*}" | grep -oE -m1 '/.*') || true
	echo "deb ${key:+[signed-by=$key] }$site bookworm-backports main"
}

# Debian 12 has libbpf 1.1. The newer one is fetched (and verified) by an apt that has its own
# source list and index, and installed as files: this machine's apt never knows of backports.
fetch_newer_libbpf() {
	local d=$private/backports
	local own=(-o "Dir::Etc::SourceList=$d/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$d/lists" -o "Dir::Cache=$d/cache")

	say 'libbpf-dev is taken from bookworm-backports this once; no apt source is added'
	mkdir -p "$d/lists/partial" "$d/cache" "$d/debs"
	backports_source >"$d/sources.list" ||
		{ apt update && backports_source >"$d/sources.list"; } || return 1
	chmod -R a+rX "$private"
	! id _apt >/dev/null 2>&1 || chown -R _apt "$d/lists" "$d/debs"
	apt "${own[@]}" update && (cd "$d/debs" && apt "${own[@]}" download libbpf1 libbpf-dev)
}

# An index that is missing or old is renewed, once.
apt_install() {
	apt install "$@" || { apt update && apt install "$@"; }
}

install_packages() {
	local package list=()
	for package in "${install[@]}"; do
		if [ "$package" = libbpf-dev ] && [ "$(release)" = debian:bookworm ]; then
			fetch_newer_libbpf || return 1
			list+=("$private"/backports/debs/*.deb)
		else
			list+=("$package")
		fi
	done
	[ ${#list[@]} = 0 ] || apt_install "${list[@]}"
}

# Of what a package depends on only the libraries: a program that is run by hand needs no users,
# no message bus and no other daemon.
libraries() {
	dpkg-deb -f "$1" Depends | tr ',' '\n' | grep '^ *lib' | paste -sd,
}

unpack_daemon() {
	local package=${1%%:*} path=${1#*:} d=$private/$1

	mkdir -p "$d" "$tools"
	! id _apt >/dev/null 2>&1 || chown _apt "$d"
	chmod -R a+rX "$private"
	(cd "$d" && { apt download "$package" || { apt update && apt download "$package"; }; }) &&
		quietly dpkg-deb -x "$d"/*.deb "$d/root" &&
		apt satisfy "$(libraries "$d"/*.deb)" || return 1
	[ -e "$d/root$path" ] || path=${path#/usr}	# Debian 12 has it in /lib yet
	install -m 0755 "$d/root$path" "$tools/"
}

install_all() {
	local daemon
	install_packages || return 1
	for daemon in "${unpack[@]}"; do
		unpack_daemon "$daemon" || return 1
	done
}

main() {
	local known
	[ "${SETUP-}" != no ] || return 0
	known=$(awk '!/^#/ && NF { print $1 }' "$here/packages" | sort -u | xargs)
	[ $# -gt 0 ] || { say "usage: setup.sh GROUP... (of: $known)"; exit 2; }
	for group; do
		[[ " $known " = *" $group "* ]] || { say "no group '$group' (of: $known)"; exit 2; }
	done

	find_missing "$@"
	[ ${#missing[@]} -gt 0 ] || return 0
	say "missing for $*:"
	printf '  %s\n' "${missing[@]}" >&2
	refuse_unless_possible "$@"

	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	private=$(mktemp -d)
	: >"$private/log"
	forbid_daemons
	say 'installing; this takes a minute or two'
	install_all || {
		tail -n 20 "$private/log" >&2
		die 'installing failed, the last lines are above'
	}
	find_missing "$@"
	[ ${#missing[@]} = 0 ] || die "still missing: ${missing[*]}"
	say 'done'
}

main "$@"
