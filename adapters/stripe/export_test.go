package stripe

// What is tested by itself.
var (
	ToStripe   = toStripe
	FromStripe = fromStripe
)
