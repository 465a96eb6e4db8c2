<?php

namespace Tests\Feature;

use Tests\TestCase;

class VoucherTest extends TestCase
{
    public function test_vouchers_need_a_user(): void
    {
        $this->getJson('/api/vouchers/a')->assertUnauthorized();
    }
}
