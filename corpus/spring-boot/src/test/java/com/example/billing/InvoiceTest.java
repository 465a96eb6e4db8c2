package com.example.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

class InvoiceTest {
    @Test
    void keepsCents() {
        var invoice = new Invoice();
        invoice.cents = 100;
        assertEquals(100, invoice.cents);
    }

    @Test
    @Disabled
    void createsInvoices() {
        assertEquals(1, 1);
    }
}
