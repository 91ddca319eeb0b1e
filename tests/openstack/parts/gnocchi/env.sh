# Settings of the Gnocchi part; sourced. What it makes lives in the test-bed's own
# folder, under parts/gnocchi.
# shellcheck shell=bash disable=SC2034
PART=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../bed/env.sh
. "$PART/../../bed/env.sh"
BED=$("$PART/../../openstack" home)
RUN=$BED/run
HERE=$BED/parts/gnocchi
PORT=18041
URL=http://127.0.0.1:$PORT
KEYSTONE=http://127.0.0.1:$KEYSTONE_PORT/v3
PYTHON=$HERE/venv/bin/python
sql() { mariadb --no-defaults -uroot -S "$RUN/mysql.sock" "$@"; }
# Ceilometer's user has this id in the snapshots: Gnocchi makes the ids of
# interfaces from it.
keep_ceilometers_id() {
  sql keystone -e "set foreign_key_checks = 0;
    select user_id into @old from local_user where name = 'ceilometer';
    update user set id = '$1' where id = @old;
    update local_user set user_id = '$1' where user_id = @old;
    update assignment set actor_id = '$1' where actor_id = @old"
}
CEILOMETERS_ID=af4bbdee46134440a29b81b11a7a2447
