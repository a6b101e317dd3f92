package demoupstream

// priceBook prices the demonstration models. Amounts are microcredits; one
// credit is 1,000,000 of them.
const priceBook = `prices:
  - effective: 2026-01-01T00:00:00Z
    models:
      - id: demo-small
        per_request: 0
        per_input_token: 1
        per_cached_input_token: 0.5
        per_output_token: 4
        max_output_tokens: 4096
        max_input_tokens: 1000000
      - id: demo-large
        per_request: 100
        per_input_token: 10
        per_cached_input_token: 5
        per_output_token: 40
        max_output_tokens: 8192
        max_input_tokens: 1000000
`

// PriceBook returns the built-in price book for the demonstration models, as
// YAML in the form of a price file.
func PriceBook() []byte { return []byte(priceBook) }
