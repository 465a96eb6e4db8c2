package com.example.billing;

import jakarta.validation.Valid;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/invoices")
public class InvoiceController {
    private static final Logger log = LoggerFactory.getLogger(InvoiceController.class);

    private final InvoiceRepository invoices;
    private final TaxClient tax;

    public InvoiceController(InvoiceRepository invoices, TaxClient tax) {
        this.invoices = invoices;
        this.tax = tax;
    }

    @GetMapping
    public List<Invoice> of(@RequestParam String customer) {
        return invoices.findByCustomer(customer);
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    public Invoice create(@Valid @RequestBody Invoice invoice) {
        var rate = tax.rate("DE");
        invoice.cents = Math.round(invoice.cents * (1 + rate.percent() / 100));
        log.info("invoice created");
        return invoices.save(invoice);
    }
}
