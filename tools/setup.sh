#!/bin/sh
# Installs what the tests need from the system. Quick and silent when nothing is missing.
#
#   a C compiler      go test -race links C
#   CA certificates   Go fetches modules over TLS
#   PostgreSQL        its programs only; the tests start a server of their own. Not
#                     needed where TEST_POSTGRES_DSN names a server or Docker runs.
set -eu

have_postgres() {
	[ -n "${TEST_POSTGRES_DSN:-}" ] && return 0
	command -v initdb >/dev/null 2>&1 && return 0
	for program in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
		/opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb; do
		[ -x "$program" ] && return 0
	done
	docker info >/dev/null 2>&1
}

missing=
command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ ! -e /etc/debian_version ] || [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
have_postgres || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

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
