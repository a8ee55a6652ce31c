<?php
// The list of emails as a plain PHP program gives it: the same statement, the
// same rows as JSON; it does not check who asks.
declare(strict_types=1);

const ID = ['id' => 'eml_', 'account_id' => 'acc_', 'credential_id' => 'pc_',
	'mailbox' => 'mbx_'];
const NUMBER = ['uid', 'thread_id', 'size_bytes'];
const FLAG = ['is_read', 'is_flagged', 'is_answered', 'is_draft',
	'has_attachments'];
const JSON = ['from_json', 'to_json', 'cc_json', 'bcc_json', 'reply_to_json'];
const TIME = ['sent_at', 'received_at', 'created_at', 'updated_at'];

function rows(array $parameters)
{
	$db = pg_pconnect($_SERVER['BENCH_DSN']);
	$result = @pg_execute($db, 'list', $parameters);
	if ($result === false) {
		pg_prepare($db, 'list', file_get_contents($_SERVER['BENCH_SQL']));
		$result = pg_execute($db, 'list', $parameters);
	}
	return pg_fetch_all($result);
}

function shown(array $row): array
{
	foreach (ID as $name => $prefix)
		$row[$name] = $row[$name] === null ? null : $prefix . $row[$name];
	foreach (NUMBER as $name)
		$row[$name] = $row[$name] === null ? null : (int) $row[$name];
	foreach (FLAG as $name)
		$row[$name] = $row[$name] === 't';
	foreach (JSON as $name)
		$row[$name] = $row[$name] === null
			? null : json_decode($row[$name]);
	foreach (TIME as $name)
		$row[$name] = $row[$name] === null ? null
			: strtr(substr($row[$name], 0, 19), ' ', 'T') . 'Z';
	unset($row['account_total']);
	$row['flags'] = $row['flags'] === '{}' ? []
		: array_map('stripslashes', str_getcsv(
			substr($row['flags'], 1, -1), ',', '"', ''));
	return $row;
}

const LIMIT = 50;
[$at, $id] = explode(' ', base64_decode($_GET['cursor']));
$rows = rows([$_SERVER['BENCH_ACCOUNT'], $at, $id, LIMIT + 1, 0]);
$next = null;
if (count($rows) > LIMIT) {
	array_pop($rows);
	$last = $rows[LIMIT - 1];
	$next = base64_encode(strtr($last['received_at'], ' ', 'T') . ' '
		. $last['id']);
}
$text = json_encode(['data' => array_map('shown', $rows),
	'meta' => ['limit' => LIMIT, 'next_cursor' => $next]],
	JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
header('Content-Type: application/json');
header('Content-Length: ' . strlen($text));
echo $text;
