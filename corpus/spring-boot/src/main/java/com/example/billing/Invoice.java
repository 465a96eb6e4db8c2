package com.example.billing;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Positive;

@Entity
public class Invoice {
    @Id
    @GeneratedValue
    public Long id;

    @NotBlank
    public String customer;

    @Positive
    public long cents;
}
