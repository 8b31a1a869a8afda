#!/bin/sh
# An adapter for a client in shell: one JSON object a line in, one a line out. It needs curl and jq.
# klarna-conformance test-client --adapter "sh skeleton.sh"
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

field() { printf '%s\n' "$line" | jq -r "$1"; }

# Your client. What its user would see is what is reported: add no retry, no parsing, no mercy.
get_order() {
    # curl reads the credentials from a pipe, since arguments can be seen by every user of the machine.
    printf '%s\n' "$line" | jq -r '"user = " + (.username + ":" + .password | tojson)' |
        curl --silent --show-error --config - --basic --max-time "$(field .timeout_s)" --max-filesize 16777216 \
            --header 'Accept: application/json' --dump-header "$work/head" --output "$work/body" \
            --write-out '%{http_code}' \
            "$(field .base_url)/ordermanagement/v1/orders/$(field '.path.order_id | @uri')" \
            >"$work/status" 2>"$work/trouble"
}

result() { # the outcome as a jq expression, with files at hand as $status, $body, $head and $trouble
    : >>"$work/body"
    jq -cn --arg id "$(field .id)" --rawfile status "$work/status" --rawfile body "$work/body" \
        --rawfile head "$work/head" --rawfile trouble "$work/trouble" \
        "{type: \"result\", id: \$id} + ($1)"
}

# shellcheck disable=SC2016  # the dollars are jq's
refusal='{outcome: "raised", error: ((try ($body | fromjson) catch {}) | if type == "object" then . else {} end | {
    kind: "refused", status: ($status | tonumber), error_code, text: ("status " + $status),
    error_messages: (.error_messages // [.error_message // empty]),
    correlation_id: (.correlation_id // ($head | [match("(?im)^klarna-correlation-id: *([^\r\n]*)").captures[0].string][0]))
})}'
# shellcheck disable=SC2016
found='try {outcome: "returned", value: ($body | fromjson)}
    catch {outcome: "raised", error: {kind: "unreadable", status: ($status | tonumber), text: "the answer is no JSON"}}'
# shellcheck disable=SC2016
lost='{outcome: "raised", error: {kind: "transport", text: $trouble}}'

while IFS= read -r line; do
    : >"$work/head" && : >"$work/body" && : >"$work/trouble" && : >"$work/status"
    case $(field '.type + " " + (.operation // "")') in
    hello*) jq -cn '{type: "hello", protocol: 1, name: "skeleton", language: "sh", operations: ["getOrder"],
        features: {idempotency_key: false, concurrency: 1}}' ;;
    "run getOrder") if get_order; then case $(cat "$work/status") in 2*) result "$found" ;; *) result "$refusal" ;; esac
        else result "$lost"; fi ;;
    run*) result '{outcome: "unsupported"}' ;;
    bye*) break ;;
    esac
done
