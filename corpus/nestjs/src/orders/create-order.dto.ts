import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';

export class CreateOrderDto {
  @IsString()
  @MaxLength(40)
  sku: string;

  @IsInt()
  @Min(1)
  @Max(100)
  quantity: number;
}
