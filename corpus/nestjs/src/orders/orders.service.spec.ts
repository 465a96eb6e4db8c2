import { OrdersService } from './orders.service';

describe('OrdersService', () => {
  it('refuses an order that is not there', async () => {
    const service = new OrdersService({ findOneBy: async () => null } as never, {} as never);
    await expect(service.find(1)).rejects.toThrow();
  });

  it('announces the parcel', () => {
    new OrdersService({} as never, {} as never);
  });
});
