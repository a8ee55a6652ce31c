// Who may do what: the one table that the matrix of all operations is held
// against (matrix.mjs). A line is somebody, a column the least role that a
// route's row names (x-least-role of the description):
//
//	yes  let through      403  is known, and may not
//	me   their own user   401  is nobody
//	out  401, or 403 where the token itself does not say enough: then the
//	     database is not asked whether its bearer is still who he was
//	per  403, by the handler: it is for people
//	old  401, and as `out` for an account that is not the token's
export const may = table(`
                        any  self viewer member owner admin app-admin admin-or-self
anonymous               401  401  401    401    401   401   401       401
cookie of nobody        401  401  401    401    401   401   401       401
cookie, signed out      401  401  401    401    401   401   401       401
cookie, expired         401  401  401    401    401   401   401       401
cookie, switched off    401  401  401    401    401   401   401       401
cookie, removed         401  401  401    401    401   401   401       401
cookie, demoted         yes  yes  yes    403    403   403   403       me
token, forged           401  401  401    401    401   401   401       401
token, expired          401  401  401    401    401   401   401       401
token, signed out       401  401  old    old    out   out   out       out
token, switched off     401  401  old    old    out   out   out       out
token, removed          401  401  old    old    out   out   out       out
token, demoted          401  401  old    old    out   out   out       out
token, ended machine    401  403  old    old    old   out   out       out
viewer's cookie         yes  yes  yes    403    403   403   403       me
viewer's token          yes  yes  yes    403    403   403   403       me
member's cookie         yes  yes  yes    yes    403   403   403       me
member's token          yes  yes  yes    yes    403   403   403       me
owner's cookie          yes  yes  yes    yes    yes   403   403       me
owner's token           yes  yes  yes    yes    yes   403   403       me
admin's cookie          yes  yes  yes    yes    yes   yes   yes       yes
admin's token           yes  yes  yes    yes    yes   yes   yes       yes
machine                 yes  403  yes    yes    403   403   403       403
machine for admins      yes  403  yes    yes    yes   403   yes       403
`);

/** The owners and admins of other accounts: their own house is open to them,
 * ours is one that does not exist. */
export const elsewhere = ['stranger\'s cookie', 'stranger\'s token',
	'twin\'s cookie', 'twin\'s token', 'twin admin\'s cookie'];

/** Cells of single operations that are others, and why. */
const persons = ['POST /api/accounts/{account_id}/token',
	'POST /api/account-views/switch', 'GET /oauth2/userinfo',
	'POST /oauth2/userinfo', 'PUT /api/threads/{thread_id}/presence'];
/* Mail is put into a shared inbox, which viewers do not. */
const transfer = 'POST /api/user/imap-accounts/{imap_account_id}/transfer';
export const but = {
	...Object.fromEntries(persons.flatMap((what) => [
		[`machine: ${what}`, 'per'],
		[`machine for admins: ${what}`, 'per'],
		[`token, ended machine: ${what}`, 'out'],
	])),
	...Object.fromEntries(['cookie, demoted', 'viewer\'s cookie',
		'viewer\'s token'].map((who) => [`${who}: ${transfer}`, 'per'])),
};

/** Operations that look the account of their path up, instead of holding it
 * against the caller's (ANY_ACCOUNT), and what they say of one that the caller
 * has nothing to do with. */
export const anyAccount = {
	'GET /api/accounts/{account_id}': 403,
	'POST /api/accounts/{account_id}/token': 404,
};

/** What an operation is asked for, and how whoever may is answered. `as` names
 * what it has to be alike, byte for byte. */
export const targets = {
	/* a row that a path names */
	own: { is: 'let through' },
	missing: { is: 404 },
	'of another account': { is: 404, as: 'missing' },
	'of another application': { is: 404, as: 'missing' },
	malformed: { is: 404, as: 'missing' },
	/* an account that a path names and the caller is not in */
	'account that is not': { account: true, is: 403 },
	'another account': { account: true, is: 403, as: 'account that is not' },
	'account of another application': { account: true, is: 403,
		as: 'account that is not' },
	'no account at all': { is: 404 },
};

function table(text) {
	const [head, ...rows] = text.trim().split('\n');
	const needs = head.trim().split(/\s+/);
	return Object.fromEntries(rows.map((line) => {
		const cells = line.slice(24).trim().split(/\s+/);
		if (cells.length !== needs.length)
			throw new Error(`not a cell a column: ${line}`);
		return [line.slice(0, 24).trim(), Object.fromEntries(
			needs.map((need, i) => [need, cells[i]]))];
	}));
}
