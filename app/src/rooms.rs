//! Which pages' code the browser fetches together.
//!
//! The first file of code holds the router and the frame. That of a room comes as a file of its own when the first of its pages is shown, so that nobody waits for pages that they do not open; the page names it, so that it is fetched at the same time as the first.
//! What several rooms use is put into further files by the build.

use crate::ui::{ErrorState, PageHead};
use crate::{budgets, delivery, events, forecast, identity, keys, prices, projects, spend, statements};
use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use leptos_meta::Title;
use leptos_router::ChooseView;

/// Names the pages of each room and makes them views of the route table.
macro_rules! rooms {
    ($( $(#[$about:meta])* $room:ident in $file:ident by $load:ident { $( $page:ident: $component:path ),+ $(,)? } )+) => { $(
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub(crate) enum $room {
            $( $page ),+
        }

        #[wasm_split($file, wasm_split_path = ::leptos::wasm_split, fallible, preload($load))]
        fn $file(page: $room) -> Result<AnyView, SplitLoaderError> {
            Ok(match page {
                $( $room::$page => $component().into_any() ),+
            })
        }

        impl ChooseView for $room {
            async fn choose(self) -> AnyView {
                #[cfg(feature = "ssr")]
                leptos::prefetch_lazy_fn_on_server(stringify!($file));
                $file(self).await.unwrap_or_else(|_| without_code())
            }

            // The router draws a page that it takes over from the server only after this, and at once.
            async fn preload(&self) {
                if $load().await.is_err() && taking_over() {
                    // What the server sent stays, and reads and submits without code.
                    std::future::pending::<()>().await;
                }
            }
        }
    )+ };
}

rooms! {
    /// Who somebody is, before and beside an organization.
    Account in account by load_account {
        Home: identity::HomePage,
        SignUp: identity::SignUpPage,
        SignIn: identity::SignInPage,
        VerifyEmail: identity::VerifyEmailPage,
        ForgottenPassword: identity::ForgottenPasswordPage,
        ResetPassword: identity::ResetPasswordPage,
        Invitation: identity::InvitationPage,
        Recipient: budgets::RecipientPage,
        Settings: identity::AccountPage,
        Mail: delivery::MailPage,
        Organizations: identity::OrganizationsPage,
    }

    /// What was spent on what.
    Spend in spend by load_spend {
        First: identity::FirstPage,
        Explore: spend::ExplorePage,
        Project: projects::ProjectPage,
        Team: projects::TeamPage,
    }

    /// What was sent, and what is wrong with it.
    Events in events by load_events {
        List: events::EventsPage,
        Rejected: events::RejectedPage,
        Unpriced: events::UnpricedPage,
        PossibleDuplicates: events::PossibleDuplicatesPage,
        Uploads: events::UploadsPage,
        Upload: events::UploadPage,
        Event: events::EventPage,
    }

    /// What may be spent, what will be, and who bears it.
    Control in control by load_control {
        Budgets: budgets::BudgetsPage,
        NewBudget: budgets::NewBudgetPage,
        Budget: budgets::BudgetPage,
        EditBudget: budgets::EditBudgetPage,
        Alerts: budgets::AlertsPage,
        Forecast: forecast::ForecastPage,
        Statements: statements::StatementsPage,
        Statement: statements::StatementPage,
    }

    /// What things cost.
    Prices in prices by load_prices {
        List: prices::PricesPage,
        Own: prices::OwnBookPage,
        EnterPrice: prices::EnterPricePage,
        MapName: prices::MapNamePage,
        Basis: prices::CostBasisPage,
        Imports: prices::ImportsPage,
        Import: prices::ImportPage,
        Discounts: prices::DiscountsPage,
        NewDiscount: prices::NewDiscountPage,
        Contract: prices::ContractPage,
        NewTerm: prices::NewTermPage,
        Runs: prices::RunsPage,
        NewRun: prices::NewRunPage,
        Run: prices::RunPage,
        Model: prices::ModelPage,
    }

    /// How the organization is set up.
    Setup in setup by load_setup {
        Projects: projects::ProjectsPage,
        Settings: identity::SettingsPage,
        Members: identity::MembersPage,
        Keys: keys::KeysPage,
        Audit: identity::AuditPage,
    }
}

/// Whether the page stands there as the server sent it and waits for code.
fn taking_over() -> bool {
    Owner::current_shared_context().is_some_and(|context| context.during_hydration())
}

/// What takes the place of a page whose code did not come.
fn without_code() -> AnyView {
    view! {
        <Title text="This page did not load"/>
        <PageHead title="This page did not load"/>
        <ErrorState
            title="Its code could not be fetched"
            text="The server cannot be reached, or has been replaced by another version of Tallystick since this tab was opened."
        >
            <a class="button" href="" rel="external">"Load it again"</a>
        </ErrorState>
    }
    .into_any()
}
