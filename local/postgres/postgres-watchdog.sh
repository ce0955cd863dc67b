#!/bin/sh
# Runs one throw-away PostgreSQL in the folder $1 on port $2, at the orders of its parent: a line "start" on standard
# input starts the server, with a copy of the data in the folder $3 if it is given. The data is in the folder $4 if that is
# given, to which `data` is a link. The end of standard input, however the parent ended, stops the server and removes both.
cd "$1" || exit 1
servers=""

while read -r order; do
  if [ -f data/PG_VERSION ]; then
    # Waiting for a command lets the shell reap a killed server, whose process id would keep the next one from starting.
    sleep 0.1
  elif [ -n "$3" ]; then
    mkdir -p data && chmod 700 data && cp -R "$3/." data || continue
  else
    # No fsync: only the machine itself can lose what a killed server has written, and then the data goes as well. Not in
    # the command below, whose settings cannot be changed while the server runs.
    native/bin/initdb --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C \
      --locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync --no-instructions \
      --set fsync=off >>log 2>&1 || continue
  fi
  # Realtime reads the changes of tables from the write-ahead log.
  # Shared memory in files of the data folder, so that a killed server leaves none behind elsewhere.
  native/bin/postgres -D data -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=200 -c dynamic_shared_memory_type=mmap -c timezone=UTC \
    -c wal_level=logical >>log 2>&1 &
  servers="$servers $!"
done

# An immediate stop: the data is thrown away, so there is nothing to write out.
# Again until it is gone: a server that has only just started ignores the signal.
for server in $servers; do
  while kill -QUIT "$server" 2>/dev/null; do sleep 0.05; done
done
# A server that was killed left its lock on shared memory; its id is the second number of the seventh line.
[ ! -f data/postmaster.pid ] || ipcrm -m "$(sed -n '7s/.* //p' data/postmaster.pid)" 2>/dev/null
cd / && rm -rf "$1" && { [ -z "$4" ] || rm -rf "$4"; }
