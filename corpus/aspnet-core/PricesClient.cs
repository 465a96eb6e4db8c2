namespace Basket;

public class PricesClient(HttpClient http)
{
    public async Task<long> PriceAsync(string sku)
    {
        var price = await http.GetFromJsonAsync<Price>($"/prices/{Uri.EscapeDataString(sku)}");
        return price?.Cents ?? throw new InvalidOperationException("no price");
    }

    private record Price(long Cents);
}
