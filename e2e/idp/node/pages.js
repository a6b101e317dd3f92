// The pages of the provider: no scripts, nothing from elsewhere.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body><main><h1>${escape(title)}</h1>${body}</main></body></html>`;

/** signIn asks who somebody is. There are no passwords. */
export const signIn = (uid, problem) => page('Sign in', `
${problem ? `<p role="alert">${escape(problem)}</p>` : ''}
<form method="post" action="/interaction/${escape(uid)}">
<label>User name <input name="user" autofocus required autocomplete="off"></label>
<button name="do" value="sign-in">Sign in</button>
<button name="do" value="cancel" formnovalidate>Cancel</button>
</form>`);

/** signOut asks whether somebody means it; form is the provider's own. */
export const signOut = (form) => page('Sign out', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>`);

/** signedOut says that it is done. */
export const signedOut = () => page('Signed out', '<p>You are signed out.</p>');

/** failed says what went wrong. */
export const failed = (out) => page('Something went wrong', `<p>${escape(out.error)}: ${escape(out.error_description ?? '')}</p>`);
