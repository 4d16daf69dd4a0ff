package ports

import "context"

// Mail is one message to one person. Text is complete by itself; HTML may be empty.
type Mail struct {
	To      string // an address, without a name
	Subject string
	Text    string
	HTML    string

	// ID names the message, if it has to be the same each time that it is sent:
	// letters, digits and hyphens.
	ID          string       `json:",omitempty"`
	Attachments []Attachment `json:",omitempty"`
}

// Attachment is a file that comes with a message.
type Attachment struct {
	Name    string // printable ASCII
	Type    string // a media type
	Content []byte
}

// Mailer hands mail over for delivery.
type Mailer interface {
	// Send returns nil once a server has taken the message. An error that no
	// repetition can mend, such as an address the server refuses for ever,
	// wraps ErrMailRefused of the core package.
	Send(ctx context.Context, m Mail) error
}
