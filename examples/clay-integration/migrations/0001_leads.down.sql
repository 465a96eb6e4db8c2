DROP TABLE deliveries;
DROP TABLE leads;
