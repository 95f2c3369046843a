#!/usr/bin/env bash
# A game server in any language next to `spendcap serve`: it only needs HTTP. Here it is curl.
set -euo pipefail
cd "$(dirname "$0")"
SPENDCAP=${SPENDCAP:-spendcap}
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>"$folder/log" || true; wait; rm -rf "$folder"' EXIT

issuer=https://age.example audience=https://limiter.example
token=$(node age.ts $issuer $audience "$folder/age.json")

touch "$folder/out" # grep may run before the server's shell has created it
export SPENDCAP_API_KEYS=a-key-of-16-or-more-characters
$SPENDCAP serve --port 0 --policy cn-game --store "sqlite:$folder/ledger.db" \
  --age-issuer $issuer --age-audience $audience --age-jwks "$folder/age.json" \
  >"$folder/out" 2>"$folder/log" &
server=$!
until url=$(grep -o 'http://.*' "$folder/out"); do
  kill -0 $server || { cat "$folder/log" && exit 1; }
  sleep 0.1
done

# call BEARER PATH [JSON]: POST with JSON, otherwise GET. Prints the status.
call() {
  echo "$2: $(curl --silent --show-error --max-time 10 "$url$2" \
    --header "authorization: Bearer $1" ${3:+--json "$3"} \
    --output "$folder/answer" --write-out '%{http_code}')"
}
# pick EXPRESSION: prints a part of the last response.
pick() { node -p "JSON.parse(fs.readFileSync('$folder/answer'))$1"; }
buy() { # ID AMOUNT
  local purchase="{\"id\":\"$1\",\"amount\":\"$2\",\"currency\":\"CNY\",\"ageToken\":\"$token\"}"
  call $SPENDCAP_API_KEYS /v1/purchases "$purchase"
}

echo '1. Reserve before the charge, and commit after it.'
buy order-1 48.00
pick .purchase.state
call $SPENDCAP_API_KEYS /v1/purchases/order-1/commit '{}'
pick .state

echo '2. A refusal is a 403 with its reasons: nothing is charged or held.'
buy order-2 60.00
pick '.reasons.map(({ code, limit }) => code + ", cap " + limit.cap).join(" and ")'

echo '3. The player reads the allowance, with the age token as the credential.'
call "$token" /v1/allowance
pick '.limits.map(({ period, remaining }) => period + " " + remaining).join(", ")'
