# Starts the agent as the README says, and stops it when the script that sources this exits.

npm start > /tmp/agent.log 2>&1 &
agent=$!
stop_agent() {
  status=$?
  [ $status -eq 0 ] || cat /tmp/agent.log
  kill $agent 2> /dev/null
  wait $agent
  return $status
}
trap stop_agent EXIT

is_ready='fetch("http://127.0.0.1:8080/readyz").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'
tries=0
until node -e "$is_ready"; do
  tries=$((tries + 1))
  if [ $tries -ge 120 ] || ! kill -0 $agent 2> /dev/null; then
    echo "the agent does not start" >&2
    exit 1
  fi
  sleep 1
done
