<?php

namespace App\Services;

use Illuminate\Support\Facades\Http;

class Fraud
{
    public function score(string $code): int
    {
        return Http::timeout(3)
            ->retry(3, 100)
            ->get(config('services.fraud.url').'/score', ['code' => $code])
            ->json('score');
    }

    public function up(): bool
    {
        return Http::timeout(1)->get(config('services.fraud.url').'/health')->successful();
    }
}
