#!/bin/sh
# Runs a container through its life on a real Docker, by the command line of the agent.
set -e
dockerd --data-root /var/lib/docker > /tmp/dockerd.log 2>&1 &
docker=$!
tries=0
until docker info > /dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 120 ] || { cat /tmp/dockerd.log; echo "dockerd does not start" >&2; exit 1; }
  sleep 1
done
docker version --format 'Docker {{.Server.Version}}'

. scripts/test-on/agent.sh
# Agents that other parts start would find this Docker.
end() {
  stop_agent
  status=$?
  kill $docker
  wait $docker
  exit $status
}
trap end EXIT

root=$(mktemp -d)
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/etc" "$root/tmp"
cp /bin/busybox "$root/bin/"
for name in sh sleep ip cat; do ln -s busybox "$root/bin/$name"; done
tar -C "$root" -c . | docker import --change 'CMD ["sh"]' - localhost/bb:1 > /dev/null

mistify() {
  echo "mistify $*" >&2
  npm run --silent mistify -- "$@"
}

# expect WORDS COMMAND...: runs a command, and fails unless it prints the words.
expect() {
  words=$1
  shift
  output=$("$@")
  echo "$output"
  case "$output" in *"$words"*) ;; *) echo "expected \"$words\"" >&2; exit 1 ;; esac
}

ip link add mtdocker type bridge
ip link set mtdocker up
mistify guest create --container --image localhost/bb:1 --memory 64 --name box --nic user --nic mtdocker --wait
expect running mistify guest list
expect eth docker exec "$(docker ps -q)" ip -o link
mistify guest metrics box cpu
mistify guest suspend box --wait
mistify guest resume box --wait
mistify guest shutdown box --wait
expect stopped mistify guest list
mistify guest start box --wait
expect running mistify guest list
mistify guest delete box --yes --wait
[ -z "$(docker ps -aq)" ] || { echo "a container is left behind" >&2; exit 1; }
