/* The rules and the compiled driver in plain C, as a yardstick for kamsim's kernel.

   One function a rule and one a step, named and ordered as in kamsim.rules and kamsim.model.ensemble, over the same
   records: records.h is written from their NumPy types. A fused one does the same arithmetic in loops fused by hand,
   to show how far the yardstick itself is from the fastest plain C. Both give kamsim's bits, so no contraction to
   fused multiply-adds (-ffp-contract=off) and the same order of every sum. */

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

#define LEAST_SPEND 1e-12
#define TIE_LEAST 0.05
#define TIE_MOST 0.95
#define ALIGNMENT_LEAST 0.05
#define ALIGNMENT_MOST 0.98

/* Python's min and max: the first of equals. */
static inline double least(double a, double b) { return b < a ? b : a; }
static inline double most(double a, double b) { return b > a ? b : a; }
static inline int64_t fewest(int64_t a, int64_t b) { return b < a ? b : a; }

/* Rules: attention */

static inline double account_need(double wallet, double need_exponent, double ambition) {
    return pow(4.0 * wallet, need_exponent) * ambition;
}

static inline double planned_hours(double kam_hours, double need, double attention, double weighted_need_of_kam) {
    return weighted_need_of_kam <= 0.0 ? 0.0 : kam_hours * (need * attention / weighted_need_of_kam);
}

static inline double coverage(double skill, double hours, double need) {
    return need <= 0.0 ? 0.0 : 1.0 - exp(-skill * hours / need);
}

/* Rules: collaboration */

static inline double support_asked(double need, double need_on_function, double account_coverage, double tie) {
    return need * need_on_function * account_coverage * tie;
}

static inline double available_support(double capacity, double alignment) { return capacity * alignment; }

static inline double granted_fraction(double asked, double remaining) {
    return asked <= remaining ? 1.0 : remaining / asked;
}

static inline double collaboration_part(double need_on_function, double tie, double fraction) {
    return need_on_function * tie * fraction;
}

static inline double collaboration_felt(double received, double set_level) {
    return isnan(set_level) ? received : set_level;
}

static inline double tie_after_quarter(
    double tie, double honored, double learning, double decay, double team, double lowest, double highest) {
    double grown = learning * decay * honored * (1.0 - tie);
    double lost = decay * (1.0 - honored) * tie * (1.0 - team);
    return least(highest, most(lowest, tie + grown - lost));
}

static inline double tie_after_departure(double tie, double kept, double lowest) { return most(lowest, tie * kept); }

/* Rules: alignment */

static inline double overload(double asked, double available, double weight) {
    return asked <= available ? 0.0 : weight * (1.0 - available / asked);
}

static inline double alignment_after_quarter(
    double alignment, double at_birth, double from_team, double fatigue, double from_overload, double speed,
    double lowest, double highest) {
    double pulled_to = at_birth + from_team - fatigue - from_overload;
    return least(highest, most(lowest, alignment + speed * (pulled_to - alignment)));
}

static inline double fatigue_after_quarter(double fatigue, double decay) { return fatigue * (1.0 - decay); }

static inline double fatigue_after_rebuild(double fatigue, double rebuild_fatigue, double team, double team_relief) {
    return fatigue + rebuild_fatigue * (1.0 - team_relief * team);
}

/* Rules: relationship */

static inline double partnership_worth(double fit, double ambition, double fit_exponent, double ambition_exponent) {
    return pow(fit, fit_exponent) * pow(ambition, ambition_exponent);
}

static inline double value_delivered(
    double partnership, double account_coverage, double collaboration, double attention_weight,
    double collaboration_weight, double joint_weight) {
    double service = attention_weight * account_coverage + collaboration_weight * collaboration +
                     joint_weight * account_coverage * collaboration;
    return partnership * service;
}

static inline double expectation_after_quarter(double expectation, double promised, double speed) {
    return expectation + speed * (promised - expectation);
}

static inline double trust_after_service(
    double trust, double value, double expectation, double speed, double loss_aversion) {
    double surprise = value - expectation;
    if (surprise >= 0.0) return least(1.0, trust + speed * surprise * (1.0 - trust));
    return most(0.0, trust + loss_aversion * speed * surprise * trust);
}

static inline double trust_without_program(double trust, double resting_trust, double speed) {
    return trust + speed * (resting_trust - trust);
}

static inline double trust_after_loss(double trust, double loss) { return trust * (1.0 - loss); }

/* Rules: spend, costs */

static inline double share_target(
    double ceiling, double trust, double collaboration, double base, double trust_weight, double collaboration_weight,
    double reach) {
    double part = least(reach, most(0.0, base + trust_weight * trust + collaboration_weight * collaboration));
    return least(1.0, ceiling * part);
}

static inline double share_after_quarter(double share, double target, double speed) {
    return share + speed * (target - share);
}

static inline double share_after_attack(double share, double trust, double damage) {
    return share * (1.0 - damage * (1.0 - trust));
}

static inline double bargaining_power(
    double last_year_spend, double mean_key_spend, double base, double slope, double highest) {
    if (mean_key_spend <= 0.0) return least(highest, base);
    return least(highest, base + slope * last_year_spend / mean_key_spend);
}

static inline double quarter_spend(double wallet, double share, double orders, double concession) {
    return wallet * share * orders * (1.0 - concession);
}

static inline double investment(double hours, double hour_cost, double support, double support_cost) {
    return hours * hour_cost + support * support_cost;
}

static inline double rebuild_cost(double key_revenue, double cost_share) { return key_revenue * cost_share; }

/* Rules: quota */

static inline double expected_premium(double premium, bool prioritizes_returns, double carried_elsewhere) {
    return prioritizes_returns ? premium : carried_elsewhere * premium;
}

static inline double next_quota(
    double spend_of_key, double old_quota, double ratchet, double market_growth, double premium) {
    double base = (1.0 - ratchet) * spend_of_key + ratchet * most(spend_of_key, old_quota);
    return base * most(0.0, 1.0 + market_growth + premium);
}

static inline double quota_attainment(double key_revenue, double quota) {
    return quota <= 0.0 ? 1.0 : key_revenue / quota;
}

static inline int64_t missed_in_a_row(int64_t streak, double attainment) { return attainment < 1.0 ? streak + 1 : 0; }

static inline bool patience_ends(int64_t streak, int64_t patience) { return streak >= patience; }

static inline double chance_to_leave(double turnover, bool missed_last_year, double after_miss) {
    return missed_last_year ? least(1.0, turnover * (1.0 + after_miss)) : turnover;
}

/* Rules: tiering */

static inline double between(double as_most_do, double as_advised, double strength) {
    return as_most_do + strength * (as_advised - as_most_do);
}

static inline double reading(double truth, double draw, double noise) { return truth + noise * draw; }

static inline double relieved_noise(double noise, double team, double relief) { return noise * (1.0 - relief * team); }

static inline double log_growth(double before, double now, double smallest) {
    return log(most(now, smallest) / most(before, smallest));
}

static inline double spend_score(double last_year_spend, double smallest) {
    return log(most(last_year_spend, smallest));
}

static inline double growth_potential(
    double annual_wallet, double ceiling, double share, double growth, double growth_weight, double least_room) {
    return log(annual_wallet * most(ceiling - share, least_room)) + growth_weight * growth;
}

static inline double calibrated_ambition(
    double fit_reading, double bilateral, double slope, double lowest, double highest) {
    return between(1.0, least(highest, most(lowest, 1.0 + slope * (fit_reading - 0.5))), bilateral);
}

static inline double account_health(
    double growth, double book_growth, double trust_reading, double growth_weight, double trust_weight,
    double sound_trust) {
    return growth_weight * (growth - book_growth) + trust_weight * (trust_reading - sound_trust);
}

static int64_t best_first(
    const double *scores, const bool *eligible, int64_t accounts, int64_t places, int64_t *order) {
    if (places == 0) return 0;
    int64_t taken = 0;
    for (int64_t account = 0; account < accounts; account++) {
        if (!eligible[account]) continue;
        double score = scores[account];
        if (taken == places && score <= scores[order[taken - 1]]) continue;
        int64_t place = fewest(taken, places - 1);
        while (place > 0 && score > scores[order[place - 1]]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = account;
        taken = fewest(taken + 1, places);
    }
    return taken;
}

static void seat_from_the_top(
    const int64_t *order, int64_t count, const int64_t *seats, int64_t tiers, int64_t *vacant, int64_t *tier,
    int64_t accounts) {
    for (int64_t level = 0; level < tiers; level++) vacant[level] = seats[level];
    for (int64_t account = 0; account < accounts; account++) vacant[tier[account]]--;
    int64_t level = tiers - 1;
    for (int64_t place = 0; place < count; place++) {
        while (level > 0 && vacant[level] <= 0) level--;
        if (level == 0) return;
        tier[order[place]] = level;
        vacant[level]--;
    }
}

static inline int64_t moves_allowed(int64_t all_seats, double share, double strength) {
    return (int64_t)(all_seats * share * strength + 0.5);
}

static inline double sorting_pull(int64_t tier, int64_t top_tier, double sorting) {
    return top_tier <= 1 ? 0.0 : sorting * (tier - 1) / (top_tier - 1);
}

static inline int64_t best_kam(
    const double *mean_tie, const double *load, int64_t kams, double pull, int64_t former) {
    int64_t best = former != 0 || kams == 1 ? 0 : 1;
    for (int64_t kam = best + 1; kam < kams; kam++) {
        if (kam == former) continue;
        if (pull * mean_tie[kam] - load[kam] > pull * mean_tie[best] - load[best]) best = kam;
    }
    return best;
}

/* State of a program, and working space of the year-end review */

typedef struct {
    AccountState *accounts;
    double *skill, *tie, *asked, *fraction; /* (KAMs), (KAMs, functions), (KAMs, functions, tiers), (functions, tiers) */
    FunctionState *functions;
    double *weighted_need; /* (KAMs) */
    int64_t *members, member_count, seats;
} Program;

typedef struct {
    double *scores, *decline, *mean_tie, *load;
    bool *eligible, *needs_kam;
    int64_t *order, *vacant, *tier;
} Desk;

/* What every step reads: one pointer each */
#define GIVEN const Sizes *n, const World *world, const Policy *policy, const Parameters *parameters
#define PASS n, world, policy, parameters

static void *room(int64_t count, size_t size) { return calloc(count > 0 ? count : 1, size); }

/* Rooms are made once, as kamsim's are, and cleared for every run. */
static void open_rooms(const Sizes *n, const Policy *policy, Program *program, Desk *desk) {
    int64_t ties = n->kams * n->functions;
    program->seats = 0;
    for (int64_t tier = 0; tier < n->tiers; tier++) program->seats += policy->seats[tier];
    program->accounts = room(n->accounts, sizeof(AccountState));
    program->skill = room(n->kams, sizeof(double));
    program->tie = room(ties, sizeof(double));
    program->asked = room(ties * n->tiers, sizeof(double));
    program->functions = room(n->functions, sizeof(FunctionState));
    program->fraction = room(n->functions * n->tiers, sizeof(double));
    program->weighted_need = room(n->kams, sizeof(double));
    program->members = room(program->seats, sizeof(int64_t));
    desk->scores = room(n->accounts, sizeof(double));
    desk->decline = room(n->accounts, sizeof(double));
    desk->eligible = room(n->accounts, sizeof(bool));
    desk->needs_kam = room(n->accounts, sizeof(bool));
    desk->tier = room(n->accounts, sizeof(int64_t));
    desk->order = room(program->seats, sizeof(int64_t));
    desk->vacant = room(n->tiers, sizeof(int64_t));
    desk->mean_tie = room(n->kams, sizeof(double));
    desk->load = room(n->kams, sizeof(double));
}

static void close_rooms(Program *program, Desk *desk) {
    void *rooms[] = {program->accounts, program->skill, program->tie, program->asked, program->functions,
                     program->fraction, program->weighted_need, program->members, desk->scores, desk->decline,
                     desk->eligible, desk->needs_kam, desk->tier, desk->order, desk->vacant, desk->mean_tie,
                     desk->load};
    for (size_t each = 0; each < sizeof(rooms) / sizeof(*rooms); each++) free(rooms[each]);
}

static void bear(GIVEN, Program *program) {
    memcpy(program->skill, world->skill, n->kams * sizeof(double));
    memcpy(program->tie, world->tie, n->kams * n->functions * sizeof(double));
    for (int64_t number = 0; number < n->accounts; number++) {
        const AccountAtBirth *born = &world->accounts[number];
        program->accounts[number] = (AccountState){
            .fit = born->fit,
            .share_base = born->share_base,
            .ceiling = born->ceiling,
            .trust = born->trust,
            .share = born->share,
            .expectation = policy->promise[0],
            .ambition = 1.0,
            .kam = -1,
        };
    }
    for (int64_t number = 0; number < n->functions; number++)
        program->functions[number] =
            (FunctionState){.alignment = world->alignment[number], .at_birth = world->alignment[number]};
}

static void open_books(const Sizes *n, const History *history, int64_t year) {
    memset(&history->accounts[year * n->accounts], 0, n->accounts * sizeof(AccountYear));
    memset(&history->years[year], 0, sizeof(ProgramYear));
    memset(&history->departures[year * n->kams], 0, n->kams * sizeof(int64_t));
}

static void find_members(const Sizes *n, Program *program) {
    program->member_count = 0;
    for (int64_t number = 0; number < n->accounts; number++)
        if (program->accounts[number].tier > 0) program->members[program->member_count++] = number;
}

static double total_over(const Sizes *n, const Program *program, const AccountYear *this_year) {
    double total = 0.0;
    for (int64_t place = 0; place < program->member_count; place++) total += this_year[program->members[place]].spend;
    return total;
}

static double expected_over(const Sizes *n, const Program *program, const AccountYear *this_year) {
    double total = 0.0;
    for (int64_t place = 0; place < program->member_count; place++)
        total += this_year[program->members[place]].expected_spend;
    return total;
}

/* Steps of a quarter */

static void plan_attention(GIVEN, Program *program, int64_t quarter) {
    const AccountQuarter *now = &world->quarters[quarter * n->accounts];
    memset(program->weighted_need, 0, n->kams * sizeof(double));
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        account->need = account_need(now[number].wallet, parameters->need_exponent, account->ambition);
        program->weighted_need[account->kam] += account->need * policy->attention[account->tier];
    }
    for (int64_t place = 0; place < program->member_count; place++) {
        AccountState *account = &program->accounts[program->members[place]];
        account->hours = planned_hours(
            parameters->hours_per_kam, account->need, policy->attention[account->tier],
            program->weighted_need[account->kam]);
        account->coverage = coverage(program->skill[account->kam], account->hours, account->need);
    }
}

static void ask_for_support(GIVEN, Program *program) {
    memset(program->asked, 0, n->kams * n->functions * n->tiers * sizeof(double));
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        const AccountState *account = &program->accounts[number];
        for (int64_t function = 0; function < n->functions; function++)
            program->asked[(account->kam * n->functions + function) * n->tiers + account->tier] += support_asked(
                account->need, world->need_mix[number * n->functions + function], account->coverage,
                program->tie[account->kam * n->functions + function]);
    }
}

static void grant_support(GIVEN, Program *program) {
    for (int64_t number = 0; number < n->functions; number++) {
        FunctionState *function = &program->functions[number];
        double *fraction = &program->fraction[number * n->tiers];
        function->available = available_support(world->capacity, function->alignment);
        function->asked = 0.0;
        double remaining = function->available;
        for (int64_t tier = n->tiers - 1; tier > 0; tier--) {
            double asked = 0.0;
            for (int64_t kam = 0; kam < n->kams; kam++)
                asked += program->asked[(kam * n->functions + number) * n->tiers + tier];
            fraction[tier] = granted_fraction(asked, remaining);
            function->asked += asked;
            remaining = most(0.0, remaining - asked * fraction[tier]);
        }
        if (policy->intervention.tiers_served_alike)
            for (int64_t tier = 1; tier < n->tiers; tier++)
                fraction[tier] = granted_fraction(function->asked, function->available);
    }
}

static void serve(GIVEN, Program *program, AccountYear *years_accounts) {
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        AccountYear *this_year = &years_accounts[number];
        double received = 0.0, support = 0.0;
        for (int64_t function = 0; function < n->functions; function++) {
            double mix = world->need_mix[number * n->functions + function];
            double tie = program->tie[account->kam * n->functions + function];
            double fraction = program->fraction[function * n->tiers + account->tier];
            received += collaboration_part(mix, tie, fraction);
            support += support_asked(account->need, mix, account->coverage, tie) * fraction;
        }
        account->collaboration = account->coverage * received;
        double value = value_delivered(
            account->partnership, account->coverage,
            collaboration_felt(account->collaboration, policy->intervention.set_collaboration),
            parameters->value_attention, parameters->value_collaboration, parameters->value_joint);
        account->expectation = expectation_after_quarter(
            account->expectation, policy->promise[account->tier] * account->ambition, parameters->expectation_speed);
        account->trust = trust_after_service(
            account->trust, value, account->expectation, parameters->trust_speed, parameters->loss_aversion);
        this_year->collaboration += account->collaboration / 4.0;
        this_year->investment += investment(account->hours, world->hour_cost, support, world->support_cost);
    }
}

static void drift_and_order(
    GIVEN, Program *program, AccountYear *this_year, ProgramYear *in_all, int64_t quarter) {
    for (int64_t number = 0; number < n->accounts; number++) {
        AccountState *account = &program->accounts[number];
        const AccountQuarter *drawn = &world->quarters[quarter * n->accounts + number];
        double felt = 0.0;
        if (account->tier == 0) {
            account->expectation =
                expectation_after_quarter(account->expectation, policy->promise[0], parameters->expectation_speed);
            account->trust = trust_without_program(account->trust, parameters->trust_mean, parameters->trust_drift);
        } else {
            felt = collaboration_felt(account->collaboration, policy->intervention.set_collaboration);
        }
        double target = share_target(
            account->ceiling, account->trust, felt, account->share_base, parameters->share_trust,
            parameters->share_collaboration, policy->intervention.ceiling_reach);
        account->share = share_after_quarter(account->share, target, parameters->share_speed);
        if (drawn->attacked) account->share = share_after_attack(account->share, account->trust, parameters->rival_damage);
        account->spend = quarter_spend(drawn->wallet, account->share, drawn->orders, account->concession);
        this_year[number].spend += account->spend;
        this_year[number].expected_spend += quarter_spend(drawn->wallet, account->share, 1.0, account->concession);
        if (account->concession > 0.0) {
            double list_price = quarter_spend(drawn->wallet, account->share, drawn->orders, 0.0);
            in_all->price_given += list_price - account->spend;
        }
    }
}

static void learn(GIVEN, Program *program) {
    for (int64_t kam = 0; kam < n->kams; kam++)
        for (int64_t function = 0; function < n->functions; function++) {
            double asked = 0.0, honored = 0.0, *tie = &program->tie[kam * n->functions + function];
            for (int64_t tier = 1; tier < n->tiers; tier++) {
                double by_tier = program->asked[(kam * n->functions + function) * n->tiers + tier];
                asked += by_tier;
                honored += by_tier * program->fraction[function * n->tiers + tier];
            }
            *tie = tie_after_quarter(
                *tie, asked > 0.0 ? honored / asked : 0.0, parameters->tie_learning, parameters->tie_decay,
                policy->levers.alignment, TIE_LEAST, TIE_MOST);
        }
}

static void leave(GIVEN, Program *program, bool missed_last_year, int64_t *departures, int64_t quarter) {
    double chance = chance_to_leave(parameters->turnover, missed_last_year, parameters->turnover_after_miss);
    for (int64_t kam = 0; kam < n->kams; kam++) {
        const KamQuarter *drawn = &world->kam_quarters[quarter * n->kams + kam];
        if (drawn->leave >= chance) continue;
        departures[kam]++;
        program->skill[kam] = drawn->successor_skill;
        for (int64_t function = 0; function < n->functions; function++) {
            double *tie = &program->tie[kam * n->functions + function];
            *tie = tie_after_departure(*tie, parameters->tie_kept, TIE_LEAST);
        }
        for (int64_t place = 0; place < program->member_count; place++) {
            AccountState *account = &program->accounts[program->members[place]];
            if (account->kam == kam) account->trust = trust_after_loss(account->trust, parameters->disruption);
        }
    }
}

static void realign(GIVEN, Program *program) {
    double from_team = policy->levers.alignment * policy->terms->team_alignment;
    for (int64_t number = 0; number < n->functions; number++) {
        FunctionState *function = &program->functions[number];
        function->alignment = alignment_after_quarter(
            function->alignment, function->at_birth, from_team, function->fatigue,
            overload(function->asked, function->available, parameters->overload_weight), parameters->alignment_speed,
            ALIGNMENT_LEAST, ALIGNMENT_MOST);
        function->fatigue = fatigue_after_quarter(function->fatigue, parameters->fatigue_decay);
    }
}

/* Steps of a year's end */

static void close_books(const Sizes *n, const Program *program, AccountYear *this_year, ProgramYear *in_all) {
    for (int64_t number = 0; number < n->accounts; number++) {
        const AccountState *account = &program->accounts[number];
        this_year[number].tier = account->tier;
        this_year[number].kam = account->kam;
        this_year[number].trust = account->trust;
    }
    in_all->key_revenue = total_over(n, program, this_year);
}

static void tire(GIVEN, Program *program) {
    for (int64_t number = 0; number < n->functions; number++)
        program->functions[number].fatigue = fatigue_after_rebuild(
            program->functions[number].fatigue, policy->terms->rebuild_fatigue, policy->levers.alignment,
            policy->terms->team_fatigue_relief);
}

static void clear_desk(const Sizes *n, const Program *program, Desk *desk) {
    for (int64_t number = 0; number < n->accounts; number++) {
        desk->needs_kam[number] = false;
        desk->tier[number] = program->accounts[number].tier;
    }
}

static void score_candidates(GIVEN, const Program *program, Desk *desk, const AccountYear *this_year, int64_t year) {
    double noise =
        relieved_noise(parameters->observation_noise, policy->levers.alignment, policy->terms->team_noise_relief);
    for (int64_t number = 0; number < n->accounts; number++) {
        const AccountState *account = &program->accounts[number];
        double potential = growth_potential(
            4.0 * world->quarters[(4 * year + 3) * n->accounts + number].wallet, account->ceiling, account->share,
            world->growth[year * n->accounts + number], parameters->growth_weight, parameters->least_room);
        desk->scores[number] = between(
            spend_score(this_year[number].spend, LEAST_SPEND),
            reading(potential, world->readings[year * n->accounts + number].potential, noise),
            policy->levers.selection);
    }
}

static void select_anew(GIVEN, const Program *program, Desk *desk) {
    for (int64_t number = 0; number < n->accounts; number++) {
        desk->eligible[number] = true;
        desk->tier[number] = 0;
    }
    int64_t count = best_first(desk->scores, desk->eligible, n->accounts, program->seats, desk->order);
    seat_from_the_top(desk->order, count, policy->seats, n->tiers, desk->vacant, desk->tier, n->accounts);
}

static void read_health(GIVEN, const Program *program, Desk *desk, const AccountYear *this_year, int64_t year) {
    const AccountYear *two_years_ago = this_year - 2 * n->accounts;
    double before = 0.0, now = 0.0;
    for (int64_t number = 0; number < n->accounts; number++) {
        before += two_years_ago[number].spend;
        now += this_year[number].spend;
    }
    double book_growth = log_growth(before, now, LEAST_SPEND);
    double noise = relieved_noise(parameters->trust_noise, policy->levers.alignment, policy->terms->team_noise_relief);
    for (int64_t number = 0; number < n->accounts; number++) {
        const AccountState *account = &program->accounts[number];
        if (account->tier == 0) continue;
        desk->decline[number] = -account_health(
            log_growth(two_years_ago[number].spend, this_year[number].spend, LEAST_SPEND), book_growth,
            reading(account->trust, world->readings[year * n->accounts + number].trust, noise),
            policy->terms->health_growth, policy->terms->health_trust, policy->terms->sound_trust);
    }
}

static void demote_the_unhealthy(GIVEN, Desk *desk, int64_t most_moves) {
    int64_t candidates = 0;
    for (int64_t account = 0; account < n->accounts; account++) {
        desk->eligible[account] =
            desk->tier[account] > 0 && -desk->decline[account] < policy->terms->health_threshold;
        candidates += desk->tier[account] == 0;
    }
    int64_t leaving =
        best_first(desk->decline, desk->eligible, n->accounts, fewest(most_moves, candidates), desk->order);
    for (int64_t account = 0; account < n->accounts; account++) desk->eligible[account] = desk->tier[account] == 0;
    for (int64_t place = 0; place < leaving; place++) desk->tier[desk->order[place]] = 0;
    int64_t entering = best_first(desk->scores, desk->eligible, n->accounts, leaving, desk->order);
    seat_from_the_top(desk->order, entering, policy->seats, n->tiers, desk->vacant, desk->tier, n->accounts);
}

static void rerank_by_spend(GIVEN, Desk *desk, int64_t most_moves) {
    const double *spend = desk->scores;
    int64_t members = 0, *tier = desk->tier;
    for (int64_t account = 0; account < n->accounts; account++) {
        desk->eligible[account] = tier[account] == 0;
        members += tier[account] > 0;
    }
    int64_t challengers = best_first(spend, desk->eligible, n->accounts, most_moves, desk->order);
    for (int64_t place = 0; place < challengers; place++) {
        int64_t smallest = -1, challenger = desk->order[place];
        for (int64_t account = 0; account < n->accounts; account++)
            if (tier[account] > 0 && (smallest < 0 || spend[account] < spend[smallest])) smallest = account;
        if (smallest < 0 || spend[challenger] <= spend[smallest]) break;
        tier[challenger] = tier[smallest];
        tier[smallest] = 0;
    }
    for (int64_t account = 0; account < n->accounts; account++) desk->eligible[account] = tier[account] > 0;
    int64_t ranked = best_first(spend, desk->eligible, n->accounts, members, desk->order);
    for (int64_t place = 0; place < ranked; place++) tier[desk->order[place]] = 0;
    seat_from_the_top(desk->order, ranked, policy->seats, n->tiers, desk->vacant, tier, n->accounts);
}

static void retier(GIVEN, const Program *program, Desk *desk, const AccountYear *this_year, int64_t year) {
    if (policy->levers.retier_by_spend) {
        int64_t moves = moves_allowed(program->seats, 1.0, policy->levers.retiering);
        if (moves > 0) {
            for (int64_t number = 0; number < n->accounts; number++) desk->scores[number] = this_year[number].spend;
            rerank_by_spend(PASS, desk, moves);
        }
        return;
    }
    int64_t moves = moves_allowed(program->seats, policy->terms->retiering_share, policy->levers.retiering);
    if (moves > 0) {
        read_health(PASS, program, desk, this_year, year);
        score_candidates(PASS, program, desk, this_year, year);
        demote_the_unhealthy(PASS, desk, moves);
    }
}

static void change_tiers(GIVEN, Program *program, Desk *desk, int64_t year, bool rebuild) {
    double fit_noise = between(parameters->fit_noise, parameters->fit_noise_bilateral, policy->levers.boundaries);
    for (int64_t number = 0; number < n->accounts; number++) {
        AccountState *account = &program->accounts[number];
        const AccountReading *drawn = &world->readings[year * n->accounts + number];
        int64_t before = account->tier, after = desk->tier[number];
        if (before == 0 && after == 0) continue;
        account->tier = after;
        if (after < before) account->trust = trust_after_loss(account->trust, policy->terms->demotion_loss);
        if (after == 0) {
            account->kam = -1;
            account->ambition = 1.0;
            account->hours = account->collaboration = account->concession = 0.0;
            continue;
        }
        if (before == 0 || rebuild) {
            account->ambition = calibrated_ambition(
                reading(account->fit, drawn->fit, fit_noise), policy->levers.boundaries,
                policy->terms->ambition_slope, policy->terms->ambition_least, policy->terms->ambition_most);
            account->partnership = partnership_worth(
                account->fit, account->ambition, parameters->value_fit_exponent, parameters->value_ambition_exponent);
        }
        if (before == 0) {
            desk->needs_kam[number] = true;
        } else if (rebuild && n->kams > 1 && drawn->reassign < policy->terms->rebuild_reassigned) {
            account->trust = trust_after_loss(account->trust, parameters->disruption);
            desk->needs_kam[number] = true;
        }
    }
}

static void assign_kams(GIVEN, Program *program, Desk *desk) {
    int64_t top_tier = n->tiers - 1;
    for (int64_t kam = 0; kam < n->kams; kam++) {
        double total = 0.0;
        for (int64_t function = 0; function < n->functions; function++)
            total += program->tie[kam * n->functions + function];
        desk->load[kam] = 0.0;
        desk->mean_tie[kam] = total / n->functions;
    }
    for (int64_t place = 0; place < program->member_count; place++) {
        const AccountState *account = &program->accounts[program->members[place]];
        if (!desk->needs_kam[program->members[place]]) desk->load[account->kam] += policy->attention[account->tier];
    }
    for (int64_t tier = top_tier; tier > 0; tier--) {
        double pull = sorting_pull(tier, top_tier, parameters->sorting);
        for (int64_t place = 0; place < program->member_count; place++) {
            AccountState *account = &program->accounts[program->members[place]];
            if (!desk->needs_kam[program->members[place]] || account->tier != tier) continue;
            account->kam = best_kam(desk->mean_tie, desk->load, n->kams, pull, account->kam);
            desk->load[account->kam] += policy->attention[tier];
        }
    }
}

static void set_concessions(GIVEN, Program *program, const AccountYear *this_year, double spend_of_key) {
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        account->concession = policy->concession[account->tier] * bargaining_power(
            this_year[number].spend, spend_of_key / program->member_count, parameters->bargaining_base,
            parameters->bargaining_slope, parameters->bargaining_most);
    }
}

/* The drivers: a year's end is the same in both */

typedef struct {
    double quota;
    int64_t streak, rebuilds;
    bool missed_last_year;
} Review;

static void year_end(GIVEN, Program *program, Desk *desk, const History *history, int64_t year, Review *review) {
    int64_t launch_year = n->history_years - 1;
    AccountYear *this_year = &history->accounts[year * n->accounts];
    ProgramYear *in_all = &history->years[year];
    close_books(n, program, this_year, in_all);
    if (year < launch_year) return;
    bool rebuild = false;
    if (year > launch_year) {
        in_all->quota = review->quota;
        double judged = in_all->key_revenue;
        if (policy->intervention.judged_without_luck) judged = expected_over(n, program, this_year);
        double attainment = quota_attainment(judged, review->quota);
        review->streak = missed_in_a_row(review->streak, attainment);
        review->missed_last_year = attainment < 1.0;
        in_all->missed = review->missed_last_year;
        rebuild =
            patience_ends(review->streak, world->patience) && review->rebuilds < policy->intervention.most_rebuilds;
    }
    if (rebuild) {
        review->streak = 0;
        review->rebuilds++;
        in_all->rebuilt = true;
        in_all->rebuild_cost = rebuild_cost(in_all->key_revenue, policy->terms->rebuild_cost_share);
        tire(PASS, program);
    }
    clear_desk(n, program, desk);
    if (year == launch_year || rebuild) {
        score_candidates(PASS, program, desk, this_year, year);
        select_anew(PASS, program, desk);
    } else if ((year - launch_year) % policy->terms->retiering_years == 0) {
        retier(PASS, program, desk, this_year, year);
    }
    change_tiers(PASS, program, desk, year, rebuild);
    find_members(n, program);
    assign_kams(PASS, program, desk);
    double spend_of_key = total_over(n, program, this_year);
    review->quota = next_quota(
        policy->intervention.quota_without_luck ? expected_over(n, program, this_year) : spend_of_key,
        year == launch_year || rebuild ? 0.0 : review->quota, policy->terms->ratchet, world->market_growth,
        expected_premium(world->premium, world->prioritizes_returns, parameters->premium_elsewhere));
    set_concessions(PASS, program, this_year, spend_of_key);
}

static void quarter_by_rules(
    GIVEN, Program *program, const History *history, int64_t year, int64_t quarter, bool missed_last_year) {
    bool launched = year > n->history_years - 1;
    AccountYear *this_year = &history->accounts[year * n->accounts];
    if (launched) {
        plan_attention(PASS, program, quarter);
        ask_for_support(PASS, program);
        grant_support(PASS, program);
        serve(PASS, program, this_year);
    }
    drift_and_order(PASS, program, this_year, &history->years[year], quarter);
    if (launched) {
        learn(PASS, program);
        leave(PASS, program, missed_last_year, &history->departures[year * n->kams], quarter);
        realign(PASS, program);
    }
}

static void play_in(GIVEN, Program *program, Desk *desk, const History *history) {
    Review review = {0};
    bear(PASS, program);
    find_members(n, program);
    for (int64_t year = 0; year < n->years; year++) {
        open_books(n, history, year);
        for (int64_t quarter = 4 * year; quarter < 4 * year + 4; quarter++)
            quarter_by_rules(PASS, program, history, year, quarter, review.missed_last_year);
        year_end(PASS, program, desk, history, year, &review);
    }
}

/* The same quarter with its loops fused: accounts are walked once after support is granted. */
static void quarter_fused(
    GIVEN, Program *program, const History *history, int64_t year, int64_t quarter, bool missed_last_year) {
    const Parameters p = *parameters;
    bool launched = year > n->history_years - 1;
    int64_t functions = n->functions, tiers = n->tiers;
    const AccountQuarter *drawn = &world->quarters[quarter * n->accounts];
    AccountYear *this_year = &history->accounts[year * n->accounts];
    double set = policy->intervention.set_collaboration, reach = policy->intervention.ceiling_reach, given = 0.0;
    bool is_set = !isnan(set);
    if (launched) {
        memset(program->weighted_need, 0, n->kams * sizeof(double));
        memset(program->asked, 0, n->kams * functions * tiers * sizeof(double));
        for (int64_t place = 0; place < program->member_count; place++) {
            AccountState *account = &program->accounts[program->members[place]];
            account->need = pow(4.0 * drawn[program->members[place]].wallet, p.need_exponent) * account->ambition;
            program->weighted_need[account->kam] += account->need * policy->attention[account->tier];
        }
        for (int64_t place = 0; place < program->member_count; place++) {
            int64_t number = program->members[place];
            AccountState *account = &program->accounts[number];
            const double *mix = &world->need_mix[number * functions], *tie = &program->tie[account->kam * functions];
            double *asked = &program->asked[account->kam * functions * tiers + account->tier];
            double need = account->need, weighted = need * policy->attention[account->tier];
            account->hours = p.hours_per_kam * (weighted / program->weighted_need[account->kam]);
            account->coverage = 1.0 - exp(-program->skill[account->kam] * account->hours / need);
            for (int64_t function = 0; function < functions; function++)
                asked[function * tiers] += need * mix[function] * account->coverage * tie[function];
        }
        grant_support(PASS, program);
    }
    given = history->years[year].price_given;
    for (int64_t number = 0; number < n->accounts; number++) {
        AccountState *account = &program->accounts[number];
        AccountYear *noted = &this_year[number];
        double trust = account->trust, share = account->share, felt = 0.0;
        if (account->tier > 0) {
            const double *mix = &world->need_mix[number * functions], *tie = &program->tie[account->kam * functions];
            const double *fraction = &program->fraction[account->tier];
            double received = 0.0, support = 0.0, covered = account->coverage;
            for (int64_t function = 0; function < functions; function++) {
                received += mix[function] * tie[function] * fraction[function * tiers];
                support += account->need * mix[function] * covered * tie[function] * fraction[function * tiers];
            }
            account->collaboration = covered * received;
            felt = is_set ? set : account->collaboration;
            double service =
                p.value_attention * covered + p.value_collaboration * felt + p.value_joint * covered * felt;
            account->expectation += p.expectation_speed *
                                    (policy->promise[account->tier] * account->ambition - account->expectation);
            double surprise = account->partnership * service - account->expectation;
            trust = surprise >= 0.0 ? least(1.0, trust + p.trust_speed * surprise * (1.0 - trust))
                                    : most(0.0, trust + p.loss_aversion * p.trust_speed * surprise * trust);
            noted->collaboration += account->collaboration / 4.0;
            noted->investment += account->hours * world->hour_cost + support * world->support_cost;
        } else {
            account->expectation += p.expectation_speed * (policy->promise[0] - account->expectation);
            trust += p.trust_drift * (p.trust_mean - trust);
        }
        double base = account->share_base + p.share_trust * trust + p.share_collaboration * felt;
        double target = least(1.0, account->ceiling * least(reach, most(0.0, base)));
        share += p.share_speed * (target - share);
        if (drawn[number].attacked) share *= 1.0 - p.rival_damage * (1.0 - trust);
        double smooth = drawn[number].wallet * share, list = smooth * drawn[number].orders;
        account->spend = list * (1.0 - account->concession);
        noted->spend += account->spend;
        noted->expected_spend += smooth * (1.0 - account->concession);
        if (account->concession > 0.0) given += list - account->spend;
        account->trust = trust;
        account->share = share;
    }
    history->years[year].price_given = given;
    if (launched) {
        learn(PASS, program);
        leave(PASS, program, missed_last_year, &history->departures[year * n->kams], quarter);
        realign(PASS, program);
    }
}

static void play_fused_in(GIVEN, Program *program, Desk *desk, const History *history) {
    Review review = {0};
    bear(PASS, program);
    find_members(n, program);
    for (int64_t year = 0; year < n->years; year++) {
        open_books(n, history, year);
        for (int64_t quarter = 4 * year; quarter < 4 * year + 4; quarter++)
            quarter_fused(PASS, program, history, year, quarter, review.missed_last_year);
        year_end(PASS, program, desk, history, year, &review);
    }
}

/* Many times over, so that a call from Python weighs nothing. */
void play(GIVEN, const History *history, int64_t fused, int64_t times) {
    Program program;
    Desk desk;
    open_rooms(n, policy, &program, &desk);
    for (int64_t time = 0; time < times; time++) (fused ? play_fused_in : play_in)(PASS, &program, &desk, history);
    close_rooms(&program, &desk);
}
