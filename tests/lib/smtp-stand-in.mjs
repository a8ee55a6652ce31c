// A mail server that takes what comes, and writes down which it was: the ledger
// of tests that count what was sent.
//
//	const server = await standIn();	// or ({ says: () => 'OK <x@y>' })
//	server.port, server.came   // what stands before the @ of Message-IDs
//	await server.end();
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

export async function standIn({ says } = {}) {
	const came = [];
	const server = new SMTPServer({
		authOptional: true,
		allowInsecureAuth: true,
		disabledCommands: ['STARTTLS'],
		onAuth: (auth, session, done) => done(null, { user: auth.username }),
		onData(stream, session, done) {
			let text = '';
			stream.setEncoding('utf8');
			stream.on('data', (piece) => { text += piece; });
			stream.on('end', () => {
				came.push(/^message-id:\s*<([^@>]*)@/im.exec(text)?.[1]);
				done(null, says?.());
			});
		},
	});
	server.on('error', () => {});
	server.listen(0, '127.0.0.1');
	await once(server.server, 'listening');
	return {
		came,
		port: server.server.address().port,
		end: () => new Promise((resolve) => { server.close(resolve); }),
	};
}
