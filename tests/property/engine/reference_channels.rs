//! Whose orders are whose in the reference model.

use super::*;

impl Model {
    /// Whether a command is about an order of another channel than `own`.
    pub fn is_of_another(&self, own: &str, command: &Command<'static>) -> bool {
        let target = match command {
            Command::Reserve(c) => return self.is_another_order(own, &c.order),
            Command::ReserveAll(c) => {
                return c.orders.iter().any(|order| self.is_another_order(own, order));
            }
            Command::Adjust(c) => c.target,
            Command::Capture(c) => c.target,
            Command::Release(c) => c.target,
            _ => return false,
        };
        match target {
            Target::Id(id) => self.orders.get(&id).is_some_and(|order| {
                self.is_another(own, (order.account, order.order_id), Some(order))
            }),
            Target::Order(key) => self.is_another_of(own, (key.account_id, key.order_id)),
        }
    }

    fn is_another_order(&self, own: &str, order: &crate::OrderOf) -> bool {
        self.is_another_of(own, (billed(order), order.order_id))
    }

    fn is_another_of(&self, own: &str, name: (&str, &str)) -> bool {
        let latest = self.latest(name.0, name.1).map(|id| &self.orders[&id]);
        self.is_another(own, name, latest)
    }

    /// An order is that of what it holds or held; and of the case in which it waits, or did where
    /// it never held anything.
    fn is_another(
        &self,
        own: &str,
        (account, order_id): (&str, &str),
        held: Option<&Order>,
    ) -> bool {
        let case = self.latest_case(account, order_id).map(|id| &self.cases[&id]);
        let case = case.filter(|case| held.is_none() || case.is_pending());
        let channels = [held.map(|held| held.channel), case.map(|case| case.channel)];
        channels.into_iter().flatten().any(|channel| channel != own)
    }
}
