<?php

use App\Http\Controllers\HealthController;
use App\Http\Controllers\VoucherController;
use Illuminate\Support\Facades\Route;

Route::get('/ready', [HealthController::class, 'ready']);

Route::middleware('auth:sanctum')->group(function () {
    Route::get('/vouchers/{code}', [VoucherController::class, 'show']);
    Route::post('/vouchers', [VoucherController::class, 'store']);
});

Route::delete('/vouchers/{code}', [VoucherController::class, 'destroy']);
