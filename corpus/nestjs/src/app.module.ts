import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LoggerModule } from 'nestjs-pino';
import { HealthController } from './health/health.controller';
import { Order } from './orders/order.entity';
import { OrdersController } from './orders/orders.controller';
import { OrdersService } from './orders/orders.service';

@Module({
  imports: [
    LoggerModule.forRoot({ pinoHttp: { level: process.env.LOG_LEVEL ?? 'info' } }),
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL,
      entities: [Order],
      extra: { max: 10, connectionTimeoutMillis: 2000, query_timeout: 3000 },
    }),
    TypeOrmModule.forFeature([Order]),
    HttpModule.register({ timeout: 3000 }),
    TerminusModule,
  ],
  controllers: [OrdersController, HealthController],
  providers: [OrdersService],
})
export class AppModule {}
