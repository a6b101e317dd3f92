package audit

// The kinds of who belongs where: members, invitations, requests for access,
// and what accounts settle before they begin.
const (
	MemberAdded          Kind = "member.added"
	MemberChanged        Kind = "member.changed"
	MemberRemoved        Kind = "member.removed"
	InvitationCreated    Kind = "invitation.created"
	InvitationAccepted   Kind = "invitation.accepted"
	InvitationRevoked    Kind = "invitation.revoked" // or replaced, or found expired: the reason tells
	AccessRequested      Kind = "access.requested"
	AccessApproved       Kind = "access.approved"
	AccessDenied         Kind = "access.denied"
	AccessReopened       Kind = "access.reopened" // a denial was taken back
	SetupChanged         Kind = "setup.changed"
	BoundaryAcknowledged Kind = "boundary.acknowledged"
)
