package audit

// The kinds of what members do with their conversations. None has anything of
// what was said (U2).
const (
	ChatThreadCreated  Kind = "chat.thread_created"
	ChatThreadChanged  Kind = "chat.thread_changed" // the reason tells what
	ChatThreadDeleted  Kind = "chat.thread_deleted" // it is wiped a day later, unless it is restored
	ChatThreadRestored Kind = "chat.thread_restored"
	ChatThreadExported Kind = "chat.thread_exported"
	ChatPromptSaved    Kind = "chat.prompt_saved"
	ChatPromptDeleted  Kind = "chat.prompt_deleted"
)
