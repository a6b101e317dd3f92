package inference

// Route names one of the calls that are forwarded.
type Route string

// The routes.
const (
	ChatCompletions Route = "chat.completions"
	Responses       Route = "responses"
	Embeddings      Route = "embeddings"
)
