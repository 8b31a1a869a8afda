<?php
// An adapter for a client in PHP: one JSON object a line in, one a line out. Put your client where it says so.
// klarna-conformance test-client --adapter "php skeleton.php"
declare(strict_types=1);

class KlarnaError extends RuntimeException
{
    public function __construct(public int $status, public array $told)
    {
        parent::__construct("status $status");
    }
}

// Your client. What its user would see is what is reported: add no retry, no parsing, no mercy.
class Client
{
    public function __construct(private array $run) {}

    public function getOrder(string $id): array
    {
        $curl = curl_init($this->run['base_url'] . '/ordermanagement/v1/orders/' . rawurlencode($id));
        curl_setopt_array($curl, [
            CURLOPT_USERPWD => $this->run['username'] . ':' . $this->run['password'],
            CURLOPT_HTTPAUTH => CURLAUTH_BASIC,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => (int) ($this->run['timeout_s'] * 1000),
        ]);
        $body = curl_exec($curl);
        if ($body === false) throw new RuntimeException(curl_error($curl));
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        $read = json_decode($body, true);
        if ($status < 200 || $status > 299) throw new KlarnaError($status, is_array($read) ? $read : []);
        if (!is_array($read)) throw new UnexpectedValueException('the answer is no JSON object');
        return $read;
    }
}

function outcome(array $run, array &$sessions): array
{
    if ($run['operation'] !== 'getOrder') return ['outcome' => 'unsupported'];
    $client = $sessions[$run['session']] ??= new Client($run); // the same session is the same client object
    try {
        return ['outcome' => 'returned', 'value' => (object) $client->getOrder($run['path']['order_id'])];
    } catch (Throwable $error) {
        $told = $error instanceof KlarnaError ? ['status' => $error->status] + array_intersect_key($error->told,
            array_flip(['error_code', 'error_messages', 'correlation_id'])) : [];
        return ['outcome' => 'raised', 'error' => $told + ['kind' => $error::class, 'text' => $error->getMessage()]];
    }
}

$say = fn (array $message) => fwrite(STDOUT, json_encode($message, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION) . "\n");
$hello = ['type' => 'hello', 'protocol' => 1, 'name' => 'skeleton', 'language' => 'php', 'operations' => ['getOrder'],
    'features' => ['idempotency_key' => false, 'concurrency' => 1]];
$sessions = [];
while (($line = fgets(STDIN)) !== false) {
    $run = json_decode($line, true);
    if ($run['type'] === 'bye') break;
    $say($run['type'] === 'hello' ? $hello : ['type' => 'result', 'id' => $run['id']] + outcome($run, $sessions));
}
