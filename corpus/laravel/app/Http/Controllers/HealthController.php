<?php

namespace App\Http\Controllers;

use App\Services\Fraud;
use Illuminate\Support\Facades\DB;

class HealthController
{
    public function ready(Fraud $fraud)
    {
        DB::select('SELECT 1');

        return ['database' => 'up', 'fraud' => $fraud->up() ? 'up' : 'down'];
    }
}
