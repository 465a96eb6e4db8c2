import { HttpService } from '@nestjs/axios';
import { Injectable, Logger, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { firstValueFrom } from 'rxjs';
import { Repository } from 'typeorm';
import { CreateOrderDto } from './create-order.dto';
import { Order } from './order.entity';

@Injectable()
export class OrdersService {
  private readonly logger = new Logger(OrdersService.name);

  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly http: HttpService,
  ) {}

  async find(id: number): Promise<Order> {
    const order = await this.orders.findOneBy({ id });
    if (!order) {
      throw new NotFoundException();
    }
    return order;
  }

  async create(order: CreateOrderDto): Promise<Order> {
    const saved = await this.orders.save(order);
    try {
      await firstValueFrom(this.http.post('http://shipping.internal:8080/parcels', { order: saved.id }));
    } catch (error) {
      this.logger.error(error, 'the parcel was not announced');
    }
    return saved;
  }
}
