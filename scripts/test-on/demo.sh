#!/bin/sh
# Runs the README's first two commands in a system under test: npm start, and npm run demo beside it.
set -e
. scripts/test-on/agent.sh
npm run demo
