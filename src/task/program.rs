//! Runs the user's plugins once a minute and queues what they have to give. A change of the setting
//! that is not about them leaves them alone.

use super::Sidecar;
use super::meter::Sample;
use super::plugin::{News, Plugins};

impl Sidecar {
    /// Runs the plugins at once, and then in each minute.
    pub(super) async fn run_programs(&self) {
        self.knows_task().await;
        let mut settings = self.settings.clone();
        let mut setting = self.setting();
        let mut plugins = Plugins::new(&setting.metric_plugins, &setting.check_plugins);
        let mut at = self.clock.now().time;
        loop {
            tokio::select! {
                news = plugins.next() => news.into_iter().for_each(|news| self.take(news)),
                () = self.clock.sleep_until(at) => {
                    plugins.start(self.clock.now().time.timestamp());
                    at = self.slot_after(self.clock.now().time.max(at));
                }
                Ok(()) = settings.changed() => {
                    let new = self.setting();
                    let is_same = new.metric_plugins == setting.metric_plugins
                        && new.check_plugins == setting.check_plugins;
                    if !is_same {
                        plugins = Plugins::new(&new.metric_plugins, &new.check_plugins);
                        at = self.clock.now().time;
                    }
                    setting = new;
                }
            }
        }
    }

    fn take(&self, news: News) {
        match news {
            News::Values { at, values } => {
                let samples = values.into_iter().map(|(name, value)| Sample {
                    name: name.into(),
                    time: at,
                    value,
                });
                self.add_points(samples.collect());
            }
            News::Definitions(graphs) => {
                let named = graphs.into_iter().map(|graph| (graph.name.clone(), graph));
                self.graphs.borrow_mut().extend(named);
                self.defined.notify_one();
            }
            News::Report(report) => self.add_reports(vec![report]),
        }
    }
}
