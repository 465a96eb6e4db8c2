using Microsoft.EntityFrameworkCore;

namespace Basket;

public class BasketContext(DbContextOptions<BasketContext> options) : DbContext(options)
{
    public DbSet<Line> Lines => Set<Line>();
}

public class Line
{
    public int Id { get; set; }
    public string Sku { get; set; } = "";
    public int Quantity { get; set; }
    public long Cents { get; set; }
}
