<?php

namespace App\Http\Controllers;

use App\Models\Voucher;
use App\Services\Fraud;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Log;

class VoucherController
{
    public function __construct(private Fraud $fraud)
    {
    }

    public function show(string $code)
    {
        return Voucher::where('code', $code)->firstOrFail();
    }

    public function store(Request $request)
    {
        $given = $request->validate([
            'code' => ['required', 'string', 'max:20'],
            'cents' => ['required', 'integer', 'min:1'],
        ]);
        if ($this->fraud->score($given['code']) > 80) {
            abort(409);
        }
        Log::info('voucher stored', ['code' => $given['code']]);

        return Voucher::create($given);
    }

    public function destroy(string $code)
    {
        DB::delete("DELETE FROM vouchers WHERE code = '$code'");

        return response()->noContent();
    }
}
