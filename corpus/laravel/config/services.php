<?php

return [
    'fraud' => [
        'url' => env('FRAUD_URL'),
    ],
];
