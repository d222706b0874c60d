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
#define NO_CUSTOMER -1
#define LEAVING -2
#define LEAST_POTENTIAL 1e-12
#define LEAST_ORDERS 1e-9
#define FEW_ORDERS 4.0
#define MOST_FEW 32
#define SIXTH (1.0 / 6.0)
#define BEND (1.0 / 72.0)
#define ROUNDING 6755399441055744.0
#define TYPICAL_RATE -1.0498221244986778
#define MOST_CERTAIN (1.0 - 0x1p-53)
#define MOST_HAZARD 2.0794415416798357

/* Python's min and max: the first of equals. */
static inline double least(double a, double b) { return b < a ? b : a; }
static inline double most(double a, double b) { return b > a ? b : a; }
static inline int64_t fewest(int64_t a, int64_t b) { return b < a ? b : a; }

/* Rules: attention */

static inline double account_need(double wallet, double need_exponent) {
    return exp(need_exponent * log(4.0 * wallet));
}

static inline double planned_hours(double kam_hours, double weighted_need, double weighted_need_of_kam) {
    return weighted_need_of_kam <= 0.0 ? 0.0 : kam_hours * (weighted_need / weighted_need_of_kam);
}

static inline double coverage(double skill, double hours, double need) {
    return need <= 0.0 ? 0.0 : 1.0 - exp(-skill * hours / need);
}

static inline double welcome_hours(double need, double base, double slope, double will) {
    return need * (base + slope * will);
}

static inline double hours_after_talk(double planned, double told, double bilateral) {
    return planned - bilateral * most(0.0, planned - told);
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

static inline double bond_after_quarter(double bond, double account_coverage, double speed) {
    return bond + speed * account_coverage * (1.0 - bond);
}

/* Rules: orders */

static inline double mean_orders(double log_rate, double orders, double exponent) {
    return orders * exp(exponent * log_rate);
}

static inline double orders_of_quarter(
    double mean, double root, double part, double bend, double none, double score, double level) {
    double square = score * score;
    if (mean >= FEW_ORDERS) {
        double bent = (square - 1.0) * SIXTH + (score - score * square) * bend;
        return most(0.0, mean + root * score + bent + ROUNDING - ROUNDING) * part;
    }
    if (mean < LEAST_ORDERS) return 0.0;
    int64_t count = 0;
    double chance = none, below = none;
    while (below < level && count < MOST_FEW) {
        count++;
        chance *= mean / count;
        below += chance;
    }
    return count * part;
}

static inline double hazard_of_size(double log_rate, double exponent) {
    return least(MOST_HAZARD, exponent * (TYPICAL_RATE - log_rate));
}

static inline double hazard_of_leaving(double of_size, double trust, double resting_trust, double trust_weight) {
    return of_size + trust_weight * (resting_trust - trust);
}

static inline double chance_of_leaving_in_a_year(double log_hazard, double usual_hazard) {
    double staying = 1.0 - least(MOST_CERTAIN, usual_hazard * exp(log_hazard));
    return least(MOST_CERTAIN, 1.0 - staying * staying * staying * staying);
}

/* Rules: spend, pricing, costs */

static inline double share_target(
    double ceiling, double trust, double collaboration, double base, double trust_weight, double collaboration_weight,
    double reach) {
    double part = least(reach, most(0.0, base + trust_weight * trust + collaboration_weight * collaboration));
    return least(1.0, ceiling * part);
}

static inline double share_after_quarter(double share, double target, double speed) {
    return share + speed * (target - share);
}

static inline double share_after_loss(double share, double loss) { return share * (1.0 - loss); }

static inline double bargaining_power(
    double last_year_spend, double mean_of_largest, double base, double slope, double highest) {
    if (mean_of_largest <= 0.0) return least(highest, base);
    return least(highest, base + slope * last_year_spend / mean_of_largest);
}

static inline double worn_price(double worn, double trust, double erosion) { return worn + erosion * (1.0 - trust); }

static inline double program_concession(double conceded, double of_tier, double power, bool in_program, double kept) {
    return in_program ? most(conceded, of_tier * power) : conceded * kept;
}

static inline double price_concession(
    double usual, double worn, double power, double of_program, double most_conceded) {
    return least(most_conceded, (usual + worn) * power + of_program);
}

static inline double quarter_spend(double wallet, double share, double orders, double concession) {
    return wallet * share * (1.0 - concession) * orders;
}

static inline double investment(double hours, double hour_cost, double support, double support_cost) {
    return hours * hour_cost + support * support_cost;
}

static inline double contribution(
    double listed, double discount, double own_cost, double invested, double gross_margin) {
    return listed * gross_margin - discount - own_cost - invested;
}

static inline double return_on_sales(double contributed, double listed) {
    return listed <= 0.0 ? -1.0 : most(-1.0, contributed / listed);
}

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

static inline double team_noise(double noise, double team, double in_common, int64_t functions) {
    return between(noise, noise * sqrt(in_common + (1.0 - in_common) / functions), team);
}

static inline double spend_score(double last_year_spend, double smallest) {
    return log(most(last_year_spend, smallest));
}

static inline double growth_potential(
    double annual_wallet, double ceiling, double share, double margin, double least_room) {
    if (margin <= 0.0) return log(LEAST_POTENTIAL);
    return log(annual_wallet * most(ceiling - share, least_room) * most(margin, least_room));
}

static inline double calibrated_ambition(
    double fit_reading, double mean_reading, double bilateral, double slope, double lowest, double highest) {
    double calibrated = least(highest, most(lowest, 1.0 + slope * (fit_reading - mean_reading)));
    return between(1.0, calibrated, bilateral);
}

static inline double account_health(
    double trust_reading, double resting_trust, double margin_reading, double usual_margin, double trust_weight,
    double margin_weight) {
    return trust_weight * (trust_reading - resting_trust) + margin_weight * (margin_reading - usual_margin);
}

static int in_order(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double middle(double *values, int64_t count) {
    if (count == 0) return 0.0;
    qsort(values, count, sizeof(double), in_order);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
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
    for (int64_t account = 0; account < accounts; account++)
        if (tier[account] > 0) vacant[tier[account]]--;
    int64_t level = tiers - 1;
    for (int64_t place = 0; place < count; place++) {
        while (level > 0 && vacant[level] <= 0) level--;
        if (level == 0) return;
        tier[order[place]] = level;
        vacant[level]--;
    }
}

static double mean_of_largest(
    const double *amounts, const bool *eligible, int64_t accounts, int64_t places, int64_t *order) {
    int64_t taken = best_first(amounts, eligible, accounts, places, order);
    if (taken == 0) return 0.0;
    double total = 0.0;
    for (int64_t place = 0; place < taken; place++) total += amounts[order[place]];
    return total / taken;
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
    double *weighted_need, *kam_hours; /* (KAMs) */
    int64_t *present, *members, *handed_down, present_count, staying, member_count, handed_down_count, seats;
    double quota, seat_sales;
    int64_t streak, rebuilds;
    bool missed_last_year;
} Program;

typedef struct {
    double *scores, *decline, *margins, *mean_tie, *load;
    bool *eligible, *warned;
    int64_t *order, *largest, *vacant, *tier;
} Desk;

/* What every step reads: one pointer each */
#define GIVEN const Sizes *n, const World *world, const Policy *policy, const Parameters *parameters
#define PASS n, world, policy, parameters

static void *room(int64_t count, size_t size) { return calloc(count > 0 ? count : 1, size); }

/* Rooms are made once, as kamsim's are, and cleared for every run. */
static void open_rooms(const Sizes *n, const World *world, const Policy *policy, Program *program, Desk *desk) {
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
    program->kam_hours = room(n->kams, sizeof(double));
    program->present = room(n->accounts, sizeof(int64_t));
    program->members = room(program->seats, sizeof(int64_t));
    program->handed_down = room(n->accounts, sizeof(int64_t));
    desk->scores = room(n->accounts, sizeof(double));
    desk->decline = room(n->accounts, sizeof(double));
    desk->margins = room(program->seats, sizeof(double));
    desk->eligible = room(n->accounts, sizeof(bool));
    desk->warned = room(n->accounts, sizeof(bool));
    desk->tier = room(n->accounts, sizeof(int64_t));
    desk->order = room(program->seats, sizeof(int64_t));
    desk->largest = room(world->seats, sizeof(int64_t));
    desk->vacant = room(n->tiers, sizeof(int64_t));
    desk->mean_tie = room(n->kams, sizeof(double));
    desk->load = room(n->kams, sizeof(double));
}

static void close_rooms(Program *program, Desk *desk) {
    void *rooms[] = {program->accounts, program->skill, program->tie, program->asked, program->functions,
                     program->fraction, program->weighted_need, program->kam_hours, program->present,
                     program->members, program->handed_down, desk->scores, desk->decline, desk->margins,
                     desk->eligible, desk->warned, desk->tier, desk->order, desk->largest, desk->vacant,
                     desk->mean_tie, desk->load};
    for (size_t each = 0; each < sizeof(rooms) / sizeof(*rooms); each++) free(rooms[each]);
}

static void bear(GIVEN, Program *program) {
    program->quota = program->seat_sales = 0.0;
    program->streak = program->rebuilds = program->staying = program->member_count = program->handed_down_count = 0;
    program->missed_last_year = false;
    memcpy(program->skill, world->skill, n->kams * sizeof(double));
    memcpy(program->tie, world->tie, n->kams * n->functions * sizeof(double));
    for (int64_t number = 0; number < n->accounts; number++) {
        const AccountAtBirth *born = &world->accounts[number];
        program->accounts[number] = (AccountState){
            .share_base = born->share_base,
            .ceiling = born->ceiling,
            .cost = born->cost,
            .will = born->will,
            .will_told = born->will_told,
            .partnership = born->partnership,
            .pace = born->orders,
            .trust = born->trust,
            .share = born->share,
            .expectation = policy->promise[0],
            .ambition = 1.0,
            .effort = 1.0,
            .concession = born->concession,
            .tier = NO_CUSTOMER,
            .kam = -1,
            .handed_down_by = -1,
        };
    }
    for (int64_t number = 0; number < n->functions; number++)
        program->functions[number] =
            (FunctionState){.alignment = world->alignment[number], .at_birth = world->alignment[number]};
}

static void open_books(const Sizes *n, const History *history, int64_t year) {
    AccountYear *this_year = &history->accounts[year * n->accounts];
    for (int64_t number = 0; number < n->accounts; number++)
        this_year[number] = (AccountYear){.tier = NO_CUSTOMER, .kam = -1};
    memset(&history->years[year], 0, sizeof(ProgramYear));
    memset(&history->departures[year * n->kams], 0, n->kams * sizeof(int64_t));
}

static inline void begin_year(GIVEN, AccountState *account, double wallet) {
    double log_rate = log(most(LEAST_SPEND, 4.0 * wallet * account->share));
    account->orders = mean_orders(log_rate, account->pace, parameters->orders_exponent);
    account->orders_root = sqrt(account->orders);
    account->order_part = 1.0 / most(LEAST_ORDERS, account->orders);
    account->order_bend = BEND * account->orders_root * account->order_part;
    account->no_order = account->orders < FEW_ORDERS ? exp(-account->orders) : 0.0;
    account->hazard = hazard_of_size(log_rate, parameters->hazard_size);
}

static void find_present(GIVEN, Program *program, int64_t year) {
    const AccountQuarter *drawn = &world->quarters[4 * year * n->accounts];
    int64_t *present = program->present, count = program->staying, begin = world->first + year * world->newcomers;
    for (int64_t place = 0; place < count; place++)
        begin_year(PASS, &program->accounts[present[place]], drawn[present[place]].wallet);
    for (int64_t number = year == 0 ? 0 : begin; number < begin + world->newcomers; number++)
        if (world->accounts[number].arrives / 4 == year) present[count++] = number;
    program->present_count = count;
}

static void arrive(GIVEN, Program *program, int64_t quarter) {
    for (int64_t place = program->staying; place < program->present_count; place++) {
        int64_t number = program->present[place];
        if (world->accounts[number].arrives != quarter) continue;
        program->accounts[number].alive = true;
        program->accounts[number].tier = 0;
        begin_year(PASS, &program->accounts[number], world->quarters[quarter * n->accounts + number].wallet);
    }
}

static void find_staying(Program *program) {
    program->staying = 0;
    for (int64_t place = 0; place < program->present_count; place++)
        if (program->accounts[program->present[place]].alive)
            program->present[program->staying++] = program->present[place];
}

static void find_members(Program *program) {
    program->member_count = program->handed_down_count = 0;
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        if (program->accounts[number].tier > 0) program->members[program->member_count++] = number;
        if (program->accounts[number].kept_hours > 0.0) program->handed_down[program->handed_down_count++] = number;
    }
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

static void reserve_hours(GIVEN, Program *program, AccountYear *this_year) {
    double cost = parameters->hour_cost * program->seat_sales;
    for (int64_t kam = 0; kam < n->kams; kam++) {
        program->weighted_need[kam] = 0.0;
        program->kam_hours[kam] = parameters->hours_per_kam;
    }
    for (int64_t place = 0; place < program->handed_down_count; place++) {
        int64_t number = program->handed_down[place];
        const AccountState *account = &program->accounts[number];
        if (!account->alive) continue;
        program->kam_hours[account->handed_down_by] -= account->kept_hours;
        this_year[number].investment += account->kept_hours * cost;
    }
}

static void plan_attention(GIVEN, Program *program, AccountYear *this_year, int64_t quarter) {
    const AccountQuarter *now = &world->quarters[quarter * n->accounts];
    double base = parameters->will_base, slope = parameters->will_slope;
    reserve_hours(PASS, program, this_year);
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        if (!account->alive) continue;
        account->need = account_need(now[number].wallet, parameters->need_exponent);
        account->weighted_need =
            account->need * policy->attention[account->tier] * account->ambition * account->effort;
        program->weighted_need[account->kam] += account->weighted_need;
    }
    for (int64_t place = 0; place < program->member_count; place++) {
        AccountState *account = &program->accounts[program->members[place]];
        if (!account->alive) continue;
        double planned = planned_hours(
            program->kam_hours[account->kam], account->weighted_need, program->weighted_need[account->kam]);
        double told = welcome_hours(account->need, base, slope, account->will_told);
        account->hours = hours_after_talk(planned, told, policy->levers.boundaries);
        double welcome = welcome_hours(account->need, base, slope, account->will);
        account->coverage =
            coverage(program->skill[account->kam], least(account->hours, welcome), account->need);
        account->bond = bond_after_quarter(account->bond, account->coverage, parameters->bond_speed);
    }
}

static void ask_for_support(GIVEN, Program *program) {
    memset(program->asked, 0, n->kams * n->functions * n->tiers * sizeof(double));
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        const AccountState *account = &program->accounts[number];
        if (!account->alive) continue;
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
    double hour_cost = parameters->hour_cost * program->seat_sales;
    double support_cost = parameters->support_cost * program->seat_sales;
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        AccountYear *this_year = &years_accounts[number];
        if (!account->alive) continue;
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
        this_year->investment += investment(account->hours, hour_cost, support, support_cost);
    }
}

static inline void drift(GIVEN, AccountState *account) {
    double promised = policy->promise[0];
    if (account->expectation != promised) {
        account->trust = trust_after_service(
            account->trust, promised, account->expectation, parameters->trust_speed, parameters->loss_aversion);
        account->expectation =
            expectation_after_quarter(account->expectation, promised, parameters->expectation_speed);
    }
    account->trust = trust_without_program(account->trust, parameters->trust_mean, parameters->trust_drift);
}

static void drift_and_order(GIVEN, Program *program, AccountYear *years_accounts, int64_t quarter, bool launched) {
    double season = world->season[quarter % 4];
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        AccountState *account = &program->accounts[number];
        AccountYear *this_year = &years_accounts[number];
        const AccountQuarter *drawn = &world->quarters[quarter * n->accounts + number];
        if (!account->alive) {
            account->spend = 0.0;
            continue;
        }
        if (account->tier == 0) drift(PASS, account);
        double felt = 0.0;
        if (account->tier != 0)
            felt = collaboration_felt(account->collaboration, policy->intervention.set_collaboration);
        double target = share_target(
            account->ceiling, account->trust, felt, account->share_base, parameters->share_trust,
            parameters->share_collaboration, policy->intervention.ceiling_reach);
        account->share = share_after_quarter(account->share, target, parameters->share_speed);
        double demand = drawn->wallet * season;
        double orders = orders_of_quarter(
            account->orders, account->orders_root, account->order_part, account->order_bend, account->no_order,
            drawn->score, drawn->level);
        double expected = quarter_spend(demand, account->share, 1.0, account->concession);
        double spend = quarter_spend(demand, account->share, orders, account->concession);
        account->spend = spend;
        this_year->spend += spend;
        this_year->expected_spend += expected;
        if (launched || !world->accounts[number].known)
            if (drawn->leave < hazard_of_leaving(
                    account->hazard, account->trust, parameters->trust_mean, parameters->hazard_trust))
                account->alive = false;
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

static void lose_manager(GIVEN, AccountState *account, double part) {
    account->share = share_after_loss(account->share, part * parameters->follow * account->bond);
    account->trust = trust_after_loss(account->trust, part * parameters->disruption * account->bond);
    account->bond = 0.0;
}

static void leave(GIVEN, Program *program, int64_t *departures, int64_t quarter) {
    double chance = chance_to_leave(parameters->turnover, program->missed_last_year, parameters->turnover_after_miss);
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
            if (account->alive && account->kam == kam) lose_manager(PASS, account, 1.0);
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

static void close_books(GIVEN, Program *program, AccountYear *years_accounts, ProgramYear *in_all) {
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        AccountState *account = &program->accounts[number];
        AccountYear *this_year = &years_accounts[number];
        this_year->tier = account->tier;
        this_year->kam = account->kam;
        this_year->trust = account->trust;
        this_year->listed = this_year->spend / (1.0 - account->concession);
        this_year->cost_to_serve = account->cost * this_year->listed;
        if (!account->alive)
            this_year->risk = 1.0;
        else if (account->tier > 0)
            this_year->risk = chance_of_leaving_in_a_year(
                hazard_of_leaving(account->hazard, account->trust, parameters->trust_mean, parameters->hazard_trust),
                parameters->hazard);
        if (account->alive) continue;
        account->tier = NO_CUSTOMER;
        account->kam = -1;
        account->spend = account->kept_hours = 0.0;
    }
    in_all->key_revenue = total_over(n, program, years_accounts);
}

static double mean_of_large(GIVEN, const Program *program, Desk *desk, const AccountYear *this_year) {
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        desk->scores[place] = this_year[number].spend;
        desk->eligible[place] = program->accounts[number].alive;
    }
    return mean_of_largest(desk->scores, desk->eligible, program->present_count, world->seats, desk->largest);
}

static void tire(GIVEN, Program *program) {
    for (int64_t number = 0; number < n->functions; number++)
        program->functions[number].fatigue = fatigue_after_rebuild(
            program->functions[number].fatigue, policy->terms->rebuild_fatigue, policy->levers.alignment,
            policy->terms->team_fatigue_relief);
}

static inline double cost_read(GIVEN, const AccountState *account, double draw) {
    double noise = between(parameters->cost_noise, parameters->cost_noise_team, policy->levers.alignment);
    return account->cost * exp(noise * draw);
}

static inline double selection_score(
    GIVEN, const AccountState *account, double wallet, double spend, const AccountReading *drawn) {
    if (policy->levers.selection == 0.0) return spend;
    double margin = parameters->gross_margin - account->concession - cost_read(PASS, account, drawn->cost);
    double potential =
        growth_potential(4.0 * wallet, account->ceiling, account->share, margin, parameters->least_room);
    double noise = team_noise(
        parameters->observation_noise, policy->levers.alignment, parameters->error_in_common, parameters->functions);
    return between(
        spend_score(spend, LEAST_SPEND), reading(potential, drawn->potential, noise), policy->levers.selection);
}

static void score_candidates(
    GIVEN, const Program *program, Desk *desk, const AccountYear *this_year, int64_t year, bool members_too) {
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        const AccountState *account = &program->accounts[number];
        if (account->tier == 0 || (members_too && account->tier > 0))
            desk->scores[place] = selection_score(
                PASS, account, world->quarters[(4 * year + 3) * n->accounts + number].wallet, this_year[number].spend,
                &world->readings[year * n->accounts + number]);
    }
}

static void fill_vacant_seats(GIVEN, const Program *program, Desk *desk) {
    int64_t places = program->seats, count = program->present_count;
    for (int64_t place = 0; place < count; place++) {
        desk->eligible[place] = desk->tier[place] == 0;
        places -= desk->tier[place] > 0;
    }
    int64_t taken = best_first(desk->scores, desk->eligible, count, places, desk->order);
    seat_from_the_top(desk->order, taken, policy->seats, n->tiers, desk->vacant, desk->tier, count);
}

static void step_down_the_unhealthy(GIVEN, const Program *program, Desk *desk, int64_t most_moves) {
    int64_t spare = -program->seats, count = program->present_count, *tier = desk->tier;
    const double *decline = desk->decline, threshold = policy->terms->health_threshold;
    for (int64_t account = 0; account < count; account++) {
        desk->eligible[account] = tier[account] > 0 && desk->warned[account] && -decline[account] < threshold;
        spare += tier[account] >= 0;
    }
    int64_t stepping = best_first(decline, desk->eligible, count, most_moves, desk->order);
    for (int64_t place = 0; place < stepping; place++) {
        int64_t account = desk->order[place], level = tier[account], best = -1;
        if (level == 1) {
            if (spare > 0) {
                spare--;
                tier[account] = LEAVING;
            }
            continue;
        }
        for (int64_t other = 0; other < count; other++) {
            if (tier[other] != level - 1 || desk->eligible[other] || -decline[other] < threshold) continue;
            if (best < 0 || decline[other] < decline[best]) best = other;
        }
        if (best >= 0) {
            tier[account] = level - 1;
            tier[best] = level;
            desk->eligible[best] = true;
        }
    }
    fill_vacant_seats(PASS, program, desk);
    for (int64_t account = 0; account < count; account++)
        if (tier[account] == LEAVING) tier[account] = 0;
}

static void review_health(
    GIVEN, Program *program, Desk *desk, const AccountYear *this_year, int64_t year, int64_t moves) {
    const AccountYear *last_year = this_year - n->accounts;
    const AccountReading *readings = &world->readings[year * n->accounts];
    int64_t members = 0, count = program->present_count;
    for (int64_t place = 0; place < count; place++) {
        int64_t number = program->present[place];
        const AccountState *account = &program->accounts[number];
        desk->warned[place] = account->warned;
        if (account->tier <= 0) continue;
        double listed = last_year[number].listed + this_year[number].listed;
        double own_cost = listed * cost_read(PASS, account, readings[number].cost);
        double invested = last_year[number].investment + this_year[number].investment;
        double discount = listed - last_year[number].spend - this_year[number].spend;
        desk->decline[place] = return_on_sales(
            contribution(listed, discount, own_cost, invested, parameters->gross_margin), listed);
        desk->margins[members++] = desk->decline[place];
    }
    double usual = middle(desk->margins, members);
    double noise = team_noise(
        parameters->trust_noise, policy->levers.alignment, parameters->error_in_common, parameters->functions);
    for (int64_t place = 0; place < count; place++) {
        const AccountState *account = &program->accounts[program->present[place]];
        if (account->tier > 0)
            desk->decline[place] = -account_health(
                reading(account->trust, readings[program->present[place]].trust, noise), parameters->trust_mean,
                desk->decline[place], usual, policy->terms->health_trust, policy->terms->health_margin);
    }
    step_down_the_unhealthy(PASS, program, desk, moves);
    for (int64_t place = 0; place < count; place++) {
        AccountState *account = &program->accounts[program->present[place]];
        if (account->tier <= 0) continue;
        account->warned =
            desk->tier[place] == account->tier && -desk->decline[place] < policy->terms->health_threshold;
        account->effort =
            account->warned ? between(1.0, policy->terms->recovery_hours, policy->levers.retiering) : 1.0;
    }
}

static void rerank_by_spend(GIVEN, const Program *program, Desk *desk, int64_t most_moves) {
    const double *spend = desk->decline;
    int64_t members = 0, count = program->present_count, *tier = desk->tier;
    for (int64_t account = 0; account < count; account++) {
        desk->eligible[account] = tier[account] == 0;
        members += tier[account] > 0;
    }
    int64_t challengers = best_first(spend, desk->eligible, count, most_moves, desk->order);
    for (int64_t place = 0; place < challengers; place++) {
        int64_t smallest = -1, challenger = desk->order[place];
        for (int64_t account = 0; account < count; account++)
            if (tier[account] > 0 && (smallest < 0 || spend[account] < spend[smallest])) smallest = account;
        if (smallest < 0 || spend[challenger] <= spend[smallest]) break;
        tier[challenger] = tier[smallest];
        tier[smallest] = 0;
    }
    for (int64_t account = 0; account < count; account++) desk->eligible[account] = tier[account] > 0;
    int64_t ranked = best_first(spend, desk->eligible, count, members, desk->order);
    for (int64_t place = 0; place < ranked; place++) tier[desk->order[place]] = 0;
    seat_from_the_top(desk->order, ranked, policy->seats, n->tiers, desk->vacant, tier, count);
}

static void next_tiers(
    GIVEN, Program *program, Desk *desk, const AccountYear *this_year, int64_t year, bool rebuild) {
    int64_t count = program->present_count, members = 0, since_launch = year - (n->history_years - 1);
    bool any_warned = false;
    for (int64_t place = 0; place < count; place++) {
        const AccountState *account = &program->accounts[program->present[place]];
        desk->tier[place] = account->tier;
        if (account->tier <= 0) continue;
        members++;
        any_warned = any_warned || account->warned;
    }
    if (program->seats == 0) return;
    bool anew = since_launch == 0 || rebuild, by_spend = policy->levers.retier_by_spend;
    int64_t moves = moves_allowed(
        program->seats, by_spend ? 1.0 : policy->terms->retiering_share, policy->levers.retiering);
    bool reviews = !anew && moves > 0 && since_launch % policy->terms->retiering_years == 0;
    if (anew || members < program->seats || (reviews && !by_spend && any_warned))
        score_candidates(PASS, program, desk, this_year, year, anew || (reviews && by_spend));
    if (anew) {
        for (int64_t place = 0; place < count; place++) desk->tier[place] = fewest(desk->tier[place], 0);
    } else if (reviews && by_spend) {
        for (int64_t place = 0; place < count; place++)
            desk->decline[place] = this_year[program->present[place]].spend;
        rerank_by_spend(PASS, program, desk, moves);
    } else if (reviews) {
        review_health(PASS, program, desk, this_year, year, moves);
    }
    fill_vacant_seats(PASS, program, desk);
}

static void leave_program(GIVEN, AccountState *account) {
    double care = account->tier > 0 ? policy->terms->managed_downtiering : 0.0;
    account->tier = 0;
    lose_manager(PASS, account, parameters->handover * (1.0 - policy->terms->managed_saves * care));
    account->expectation = between(account->expectation, policy->promise[0], care);
    account->kept_hours = care * policy->terms->managed_hours * account->hours;
    account->ambition = account->effort = 1.0;
    account->hours = account->collaboration = 0.0;
}

static void change_tiers(GIVEN, Program *program, Desk *desk, ProgramYear *in_all, int64_t year, bool rebuild) {
    int64_t elevated = 0, handed_over = 0;
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        AccountState *account = &program->accounts[number];
        int64_t before = account->tier, after = desk->tier[place];
        account->needs_kam = false;
        account->kept_hours = 0.0;
        if (before <= 0 && after <= 0) continue;
        if (after <= 0) {
            account->warned = false;
            account->handed_down_by = account->kam;
            leave_program(PASS, account);
            account->kam = -1;
            handed_over++;
            continue;
        }
        account->tier = after;
        if (rebuild || before <= 0) {
            account->warned = false;
            account->effort = 1.0;
        }
        if (before <= 0) {
            account->needs_kam = true;
            elevated++;
        } else if (
            rebuild && n->kams > 1 &&
            world->readings[year * n->accounts + number].reassign < policy->terms->rebuild_reassigned) {
            lose_manager(PASS, account, parameters->handover);
            account->needs_kam = true;
            handed_over++;
        }
    }
    in_all->elevation_cost = elevated * parameters->elevation_cost * program->seat_sales;
    in_all->handover_cost = handed_over * parameters->handover_cost * program->seat_sales;
}

static void calibrate(GIVEN, Program *program, int64_t year, bool rebuild) {
    const AccountReading *readings = &world->readings[year * n->accounts];
    double noise = between(parameters->fit_noise, parameters->fit_noise_bilateral, policy->levers.boundaries);
    double mean = 0.0;
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        mean += reading(world->accounts[number].fit, readings[number].fit, noise) / program->member_count;
    }
    for (int64_t place = 0; place < program->member_count; place++) {
        int64_t number = program->members[place];
        AccountState *account = &program->accounts[number];
        if (rebuild || account->kam < 0)
            account->ambition = calibrated_ambition(
                reading(world->accounts[number].fit, readings[number].fit, noise), mean, policy->levers.boundaries,
                policy->terms->ambition_slope, policy->terms->ambition_least, policy->terms->ambition_most);
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
        if (!account->needs_kam) desk->load[account->kam] += policy->attention[account->tier];
    }
    for (int64_t tier = top_tier; tier > 0; tier--) {
        double pull = sorting_pull(tier, top_tier, parameters->sorting);
        for (int64_t place = 0; place < program->member_count; place++) {
            AccountState *account = &program->accounts[program->members[place]];
            if (!account->needs_kam || account->tier != tier) continue;
            account->kam = best_kam(desk->mean_tie, desk->load, n->kams, pull, account->kam);
            desk->load[account->kam] += policy->attention[tier];
        }
    }
}

static void settle_prices(
    GIVEN, Program *program, const AccountYear *this_year, int64_t year, double large, bool launched) {
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        AccountState *account = &program->accounts[number];
        if (!account->alive) continue;
        bool counted = year == 0 || world->accounts[number].arrives / 4 != year;
        double power = bargaining_power(
            counted ? this_year[number].spend : 0.0, large, parameters->bargaining_base, parameters->bargaining_slope,
            parameters->bargaining_most);
        if (launched) account->worn = worn_price(account->worn, account->trust, parameters->erosion);
        account->conceded = program_concession(
            account->conceded, policy->concession[account->tier], power, account->tier > 0,
            parameters->concession_kept);
        account->concession = price_concession(
            parameters->base_concession, account->worn, power, account->conceded, parameters->most_conceded);
    }
}

/* The drivers: a year's end is the same in both */

static bool judge(GIVEN, Program *program, const AccountYear *this_year, ProgramYear *in_all) {
    double judged = in_all->key_revenue;
    if (policy->intervention.judged_without_luck) judged = expected_over(n, program, this_year);
    in_all->quota = program->quota;
    double attainment = quota_attainment(judged, program->quota);
    program->streak = missed_in_a_row(program->streak, attainment);
    program->missed_last_year = in_all->missed = attainment < 1.0;
    if (!patience_ends(program->streak, world->patience) || program->rebuilds >= policy->intervention.most_rebuilds)
        return false;
    program->streak = 0;
    program->rebuilds++;
    in_all->rebuilt = true;
    tire(PASS, program);
    return true;
}

static void year_end(GIVEN, Program *program, Desk *desk, const History *history, int64_t year) {
    int64_t launch_year = n->history_years - 1;
    AccountYear *this_year = &history->accounts[year * n->accounts];
    ProgramYear *in_all = &history->years[year];
    close_books(PASS, program, this_year, in_all);
    double large = mean_of_large(PASS, program, desk, this_year);
    if (year >= launch_year) {
        if (year == launch_year) program->seat_sales = large;
        bool rebuild = year > launch_year && judge(PASS, program, this_year, in_all);
        next_tiers(PASS, program, desk, this_year, year, rebuild);
        change_tiers(PASS, program, desk, in_all, year, rebuild);
        find_members(program);
        calibrate(PASS, program, year, rebuild);
        assign_kams(PASS, program, desk);
        bool luckless = policy->intervention.quota_without_luck;
        program->quota = next_quota(
            luckless ? expected_over(n, program, this_year) : total_over(n, program, this_year),
            year == launch_year || rebuild ? 0.0 : program->quota, policy->terms->ratchet, world->market_growth,
            expected_premium(world->premium, world->prioritizes_returns, parameters->premium_elsewhere));
    }
    settle_prices(PASS, program, this_year, year, large, year > launch_year);
    find_staying(program);
}

static void quarter_by_rules(GIVEN, Program *program, const History *history, int64_t year, int64_t quarter) {
    bool launched = year > n->history_years - 1;
    AccountYear *this_year = &history->accounts[year * n->accounts];
    if (launched) {
        plan_attention(PASS, program, this_year, quarter);
        ask_for_support(PASS, program);
        grant_support(PASS, program);
        serve(PASS, program, this_year);
    }
    drift_and_order(PASS, program, this_year, quarter, launched);
    if (launched) {
        learn(PASS, program);
        leave(PASS, program, &history->departures[year * n->kams], quarter);
        realign(PASS, program);
    }
}

static void play_in(GIVEN, Program *program, Desk *desk, const History *history) {
    bear(PASS, program);
    for (int64_t year = 0; year < n->years; year++) {
        open_books(n, history, year);
        find_present(PASS, program, year);
        for (int64_t quarter = 4 * year; quarter < 4 * year + 4; quarter++) {
            arrive(PASS, program, quarter);
            quarter_by_rules(PASS, program, history, year, quarter);
        }
        year_end(PASS, program, desk, history, year);
    }
}

/* The same quarter with its loops fused: accounts are walked once after support is granted. */
static void quarter_fused(GIVEN, Program *program, const History *history, int64_t year, int64_t quarter) {
    const Parameters p = *parameters;
    bool launched = year > n->history_years - 1;
    int64_t functions = n->functions, tiers = n->tiers;
    const AccountQuarter *drawn = &world->quarters[quarter * n->accounts];
    AccountYear *this_year = &history->accounts[year * n->accounts];
    double set = policy->intervention.set_collaboration, reach = policy->intervention.ceiling_reach;
    double hour_cost = p.hour_cost * program->seat_sales, support_cost = p.support_cost * program->seat_sales;
    double season = world->season[quarter % 4], promised = policy->promise[0];
    bool is_set = !isnan(set);
    if (launched) {
        reserve_hours(PASS, program, this_year);
        memset(program->asked, 0, n->kams * functions * tiers * sizeof(double));
        for (int64_t place = 0; place < program->member_count; place++) {
            AccountState *account = &program->accounts[program->members[place]];
            if (!account->alive) continue;
            account->need = exp(p.need_exponent * log(4.0 * drawn[program->members[place]].wallet));
            account->weighted_need =
                account->need * policy->attention[account->tier] * account->ambition * account->effort;
            program->weighted_need[account->kam] += account->weighted_need;
        }
        for (int64_t place = 0; place < program->member_count; place++) {
            int64_t number = program->members[place];
            AccountState *account = &program->accounts[number];
            if (!account->alive) continue;
            const double *mix = &world->need_mix[number * functions], *tie = &program->tie[account->kam * functions];
            double *asked = &program->asked[account->kam * functions * tiers + account->tier];
            double need = account->need, welcome = need * (p.will_base + p.will_slope * account->will);
            double planned = planned_hours(
                program->kam_hours[account->kam], account->weighted_need, program->weighted_need[account->kam]);
            double beyond = most(0.0, planned - need * (p.will_base + p.will_slope * account->will_told));
            account->hours = planned - policy->levers.boundaries * beyond;
            account->coverage =
                coverage(program->skill[account->kam], least(account->hours, welcome), need);
            account->bond += p.bond_speed * account->coverage * (1.0 - account->bond);
            for (int64_t function = 0; function < functions; function++)
                asked[function * tiers] += need * mix[function] * account->coverage * tie[function];
        }
        grant_support(PASS, program);
    }
    for (int64_t place = 0; place < program->present_count; place++) {
        int64_t number = program->present[place];
        AccountState *account = &program->accounts[number];
        AccountYear *noted = &this_year[number];
        if (!account->alive) {
            account->spend = 0.0;
            continue;
        }
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
            noted->investment += account->hours * hour_cost + support * support_cost;
        } else {
            double surprise = promised - account->expectation;
            if (surprise != 0.0) {
                trust = surprise > 0.0 ? least(1.0, trust + p.trust_speed * surprise * (1.0 - trust))
                                       : most(0.0, trust + p.loss_aversion * p.trust_speed * surprise * trust);
                account->expectation += p.expectation_speed * surprise;
            }
            trust += p.trust_drift * (p.trust_mean - trust);
        }
        double base = account->share_base + p.share_trust * trust + p.share_collaboration * felt;
        double target = least(1.0, account->ceiling * least(reach, most(0.0, base)));
        share += p.share_speed * (target - share);
        double orders = orders_of_quarter(
            account->orders, account->orders_root, account->order_part, account->order_bend, account->no_order,
            drawn[number].score, drawn[number].level);
        double expected = drawn[number].wallet * season * share * (1.0 - account->concession);
        account->spend = expected * orders;
        noted->spend += account->spend;
        noted->expected_spend += expected;
        account->trust = trust;
        account->share = share;
        if (launched || !world->accounts[number].known)
            account->alive = drawn[number].leave >= account->hazard + p.hazard_trust * (p.trust_mean - trust);
    }
    if (launched) {
        learn(PASS, program);
        leave(PASS, program, &history->departures[year * n->kams], quarter);
        realign(PASS, program);
    }
}

static void play_fused_in(GIVEN, Program *program, Desk *desk, const History *history) {
    bear(PASS, program);
    for (int64_t year = 0; year < n->years; year++) {
        open_books(n, history, year);
        find_present(PASS, program, year);
        for (int64_t quarter = 4 * year; quarter < 4 * year + 4; quarter++) {
            arrive(PASS, program, quarter);
            quarter_fused(PASS, program, history, year, quarter);
        }
        year_end(PASS, program, desk, history, year);
    }
}

/* Many times over, so that a call from Python weighs nothing. */
void play(GIVEN, const History *history, int64_t fused, int64_t times) {
    Program program;
    Desk desk;
    open_rooms(n, world, policy, &program, &desk);
    for (int64_t time = 0; time < times; time++) (fused ? play_fused_in : play_in)(PASS, &program, &desk, history);
    close_rooms(&program, &desk);
}
