#!/bin/sh
# Installs what the tests need from the system. Quick and silent when nothing is missing.
#
#   a C compiler      go test -race links C
#   CA certificates   Go fetches modules over TLS
#   PostgreSQL        its programs only; the tests start servers of their own, also
#                     where TEST_POSTGRES_DSN names one or Docker runs: replicas are
#                     made with nothing else.
#   PgBouncer         stands between a server and PostgreSQL
#   Chromium          opens the pages for visitors. Not needed where TEST_CHROMIUM names one.
#   Poppler           reads the PDF files that reports come as, and those of which pictures are made
#   FFmpeg            makes videos for tests, and pictures of them
#   axe-core          examines them for accessibility; a file from npm, kept in the
#                     user's cache. Not needed where TEST_AXE names it.
set -eu

have_postgres() {
	command -v initdb >/dev/null 2>&1 && return 0
	for program in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
		/opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb; do
		[ -x "$program" ] && return 0
	done
	return 1
}

have_chromium() {
	[ -n "${TEST_CHROMIUM:-}" ] && return 0
	for program in chromium chromium-browser google-chrome chrome; do
		command -v "$program" >/dev/null 2>&1 && return 0
	done
	return 1
}

# the version and the checksum that the tests want, see test/env/chromium.go
axe=4.14.1
axe_sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
axe_dir=${XDG_CACHE_HOME:-$HOME/.cache}/coffer-tests/axe-core-$axe
have_axe() { [ -n "${TEST_AXE:-}" ] || [ -e "$axe_dir/axe.min.js" ]; }

fetch_axe() {
	have_axe && return 0
	echo "setup: fetching axe-core $axe"
	tmp=$(mktemp -d)
	(
		cd "$tmp"
		npm pack --silent "axe-core@$axe" >/dev/null
		echo "$axe_sha512  axe-core-$axe.tgz" | sha512sum --check --quiet
		tar -xzf "axe-core-$axe.tgz" package/axe.min.js package/LICENSE
		mkdir -p "$axe_dir"
		# the script last and at once: it is what have_axe looks for
		mv package/LICENSE "$axe_dir/"
		mv package/axe.min.js "$axe_dir/"
	)
	rm -rf "$tmp"
}

missing=
command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ ! -e /etc/debian_version ] || [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
have_postgres || missing="$missing postgresql"
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
have_chromium || missing="$missing chromium fonts-dejavu-core"
command -v pdftotext >/dev/null 2>&1 || missing="$missing poppler-utils"
command -v ffmpeg >/dev/null 2>&1 || missing="$missing ffmpeg"
have_axe || command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -z "$missing" ]; then
	fetch_axe
	exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: the tests need what Debian calls$missing: please install it" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "setup: the tests need more than is installed; please run: sudo apt-get install$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
install() { apt-get install -qq -y --no-install-recommends "$@" >/dev/null; }
apt-get update -qq
case $missing in
*postgresql*)
	# Debian would create and start a server of its own beside the tests'
	install postgresql-common
	sed -i -E 's/^#?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
	;;
esac
# shellcheck disable=SC2086 # a list of names
install $missing
fetch_axe
