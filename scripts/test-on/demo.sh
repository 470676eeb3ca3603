#!/bin/sh
# Runs the README's first two commands in a system under test: npm start, and npm run demo beside it.
npm start > /tmp/agent.log 2>&1 &
agent=$!

tries=0
until node -e 'fetch("http://127.0.0.1:8080/readyz").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'; do
  tries=$((tries + 1))
  if [ $tries -ge 120 ] || ! kill -0 $agent 2> /dev/null; then
    echo "the agent does not start:"
    cat /tmp/agent.log
    exit 1
  fi
  sleep 1
done

npm run demo
status=$?
[ $status -eq 0 ] || cat /tmp/agent.log
kill $agent
wait $agent
exit $status
