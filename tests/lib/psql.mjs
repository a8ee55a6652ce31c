// One psql for many statements, where a process for each would be most of a
// test's time.
//
//	const db = psql(house);
//	const id = await db.ask('INSERT … RETURNING id');  // rows as lines
//	db.end();
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

export function psql(house, dsn = house.database_super) {
	const child = spawn('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', dsn],
		{ stdio: ['pipe', 'pipe', 'pipe'] });
	const mark = randomBytes(8).toString('hex');
	const waiting = [];
	let lines = [], wrong = '';

	child.stderr.on('data', (text) => { wrong += text; });
	child.stdin.on('error', () => {});
	createInterface({ input: child.stdout }).on('line', (line) => {
		if (line !== mark)
			return lines.push(line);
		waiting.shift().resolve(lines.join('\n'));
		lines = [];
	});
	child.on('close', () => {
		for (const { text, reject } of waiting.splice(0))
			reject(new Error(`${wrong}in: ${text}`));
	});
	child.stdin.write('SET search_path = letterrack;\n');
	return {
		ask: (text) => new Promise((resolve, reject) => {
			if (child.exitCode !== null)
				return reject(new Error(`psql has ended: ${wrong}`));
			waiting.push({ text, resolve, reject });
			child.stdin.write(`${text};\n\\echo ${mark}\n`);
		}),
		end: () => child.stdin.end(),
	};
}
