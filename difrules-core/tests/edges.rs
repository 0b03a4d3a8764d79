//! What the elementary primitives do at the edges of their domains: at NaN, infinities, signed zeros,
//! subnormal numbers, poles, branch points, jumps and kinks, in the value and in every partial
//! derivative.
//!
//! A line of the table: name and arguments = value ; partials. NaN is any NaN. An infinity is
//! compared with its sign, and so is a zero of a value; a partial of zero may have either sign, since
//! it is added to a zero on its way out. Other numbers may differ by 4 units in the last place. A `*`
//! is not compared: a partial outside of the domain, or where no convention is better than another.
//!
//! A line that begins with `!` says what should be and is not yet: it must fail, and loses its mark
//! when it is mended.

use std::any::Any;
use std::collections::BTreeSet;

use difrules_core::registry::Partial;
use difrules_core::symbolic::{self, Expr, SymbolicError, differentiate};
use difrules_core::{Dual, Record, find, primitives};

use crate::reference::near;

const TABLE: &str = "
# arithmetic, in part
modulo 1.0 0.1 = 0.09999999999999995 ; 1.0 -9.0
modulo -300.5 0.1 = 1.6681100944992977e-14 ; 1.0 3005.0
modulo -1e-20 0.1 = 0.1 ; 1.0 1.0
modulo -5.0 inf = inf ; 1.0 1.0
modulo 5.0 inf = 5.0 ; 1.0 0.0
modulo 4.0 2.0 = 0.0 ; 1.0 -2.0

# degrees
sind NaN = NaN ; NaN
sind inf = NaN ; NaN
sind -inf = NaN ; NaN
sind 0.0 = 0.0 ; 0.017453292519943295
sind -0.0 = -0.0 ; 0.017453292519943295
sind 180.0 = 0.0 ; -0.017453292519943295
sind -180.0 = -0.0 ; -0.017453292519943295
sind 360.0 = 0.0 ; 0.017453292519943295
sind -360.0 = -0.0 ; 0.017453292519943295
sind 90.0 = 1.0 ; 0.0
sind 270.0 = -1.0 ; 0.0
sind 30.0 = 0.5 ; 0.015114994701951814
sind -225.0 = 0.7071067811865476 ; -0.012341341494884351
sind 1e-310 = 1.745329251995e-312 ; 0.017453292519943295
cosd NaN = NaN ; NaN
cosd inf = NaN ; NaN
cosd -inf = NaN ; NaN
cosd 0.0 = 1.0 ; 0.0
cosd -0.0 = 1.0 ; 0.0
cosd 90.0 = 0.0 ; -0.017453292519943295
cosd -90.0 = 0.0 ; 0.017453292519943295
cosd 270.0 = 0.0 ; 0.017453292519943295
cosd -270.0 = 0.0 ; -0.017453292519943295
cosd 180.0 = -1.0 ; 0.0
cosd -225.0 = -0.7071067811865476 ; -0.012341341494884351
cosd 60.0 = 0.5 ; -0.015114994701951814
tand NaN = NaN ; NaN
tand inf = NaN ; NaN
tand -inf = NaN ; NaN
tand 0.0 = 0.0 ; 0.017453292519943295
tand -0.0 = -0.0 ; 0.017453292519943295
tand 90.0 = inf ; inf
tand -90.0 = -inf ; inf
tand 270.0 = -inf ; inf
tand 45.0 = 1.0 ; 0.03490658503988659
secd NaN = NaN ; NaN
secd inf = NaN ; NaN
secd -inf = NaN ; NaN
secd 0.0 = 1.0 ; 0.0
secd -0.0 = 1.0 ; 0.0
secd 90.0 = inf ; inf
secd -90.0 = inf ; -inf
secd 180.0 = -1.0 ; 0.0
cscd NaN = NaN ; NaN
cscd inf = NaN ; NaN
cscd -inf = NaN ; NaN
cscd 0.0 = inf ; -inf
cscd -0.0 = -inf ; -inf
cscd 180.0 = inf ; inf
cscd -180.0 = -inf ; inf
cscd 90.0 = 1.0 ; 0.0
cscd 5e-324 = inf ; -inf
cotd NaN = NaN ; NaN
cotd inf = NaN ; NaN
cotd -inf = NaN ; NaN
cotd 0.0 = inf ; -inf
cotd -0.0 = -inf ; -inf
cotd 5e-324 = inf ; -inf
cotd -5e-324 = -inf ; -inf
cotd 45.0 = 1.0 ; -0.03490658503988659
asind NaN = NaN ; NaN
asind inf = NaN ; NaN
asind -inf = NaN ; NaN
asind 1.5 = NaN ; NaN
asind 0.0 = 0.0 ; 57.29577951308232
asind -0.0 = -0.0 ; 57.29577951308232
asind 1.0 = 90.0 ; inf
asind -1.0 = -90.0 ; inf
asind 5e-324 = 2.83e-322 ; 57.29577951308232
acosd NaN = NaN ; NaN
acosd inf = NaN ; NaN
acosd -inf = NaN ; NaN
acosd -1.5 = NaN ; NaN
acosd 0.0 = 90.0 ; -57.29577951308232
acosd -0.0 = 90.0 ; -57.29577951308232
acosd 1.0 = 0.0 ; -inf
acosd -1.0 = 180.0 ; -inf
atand NaN = NaN ; NaN
atand inf = 90.0 ; 0.0
atand -inf = -90.0 ; 0.0
atand 0.0 = 0.0 ; 57.29577951308232
atand -0.0 = -0.0 ; 57.29577951308232
atand 5e-324 = 2.83e-322 ; 57.29577951308232
atand 1.5e154 = 90.0 ; 2.546479089470325e-307
asecd NaN = NaN ; NaN
asecd inf = 90.0 ; 0.0
asecd -inf = 90.0 ; 0.0
asecd 0.0 = NaN ; NaN
asecd -0.0 = NaN ; NaN
asecd 0.5 = NaN ; NaN
asecd 1.0 = 0.0 ; inf
asecd -1.0 = 180.0 ; inf
asecd 1.5e154 = 90.0 ; 2.546479089470325e-307
acscd NaN = NaN ; NaN
acscd inf = 0.0 ; 0.0
acscd -inf = -0.0 ; 0.0
acscd 0.0 = NaN ; NaN
acscd -0.0 = NaN ; NaN
acscd -0.5 = NaN ; NaN
acscd 1.0 = 90.0 ; -inf
acscd -1.0 = -90.0 ; -inf
acscd 1.5e154 = 3.819718634205488e-153 ; -2.546479089470325e-307
acotd NaN = NaN ; NaN
acotd inf = 0.0 ; 0.0
acotd -inf = -0.0 ; 0.0
acotd 0.0 = 90.0 ; -57.29577951308232
acotd -0.0 = -90.0 ; -57.29577951308232
acotd -5e-324 = -90.0 ; -57.29577951308232
acotd 1.5e154 = 3.819718634205488e-153 ; -2.546479089470325e-307
to_radians NaN = NaN ; NaN
to_radians inf = inf ; 0.017453292519943295
to_radians -inf = -inf ; 0.017453292519943295
to_radians 0.0 = 0.0 ; 0.017453292519943295
to_radians -0.0 = -0.0 ; 0.017453292519943295
to_degrees NaN = NaN ; NaN
to_degrees inf = inf ; 57.29577951308232
to_degrees -inf = -inf ; 57.29577951308232
to_degrees 0.0 = 0.0 ; 57.29577951308232
to_degrees -0.0 = -0.0 ; 57.29577951308232
to_degrees 1e307 = inf ; 57.29577951308232

# exponential
exp NaN = NaN ; NaN
exp inf = inf ; inf
exp -inf = 0.0 ; 0.0
exp 0.0 = 1.0 ; 1.0
exp -0.0 = 1.0 ; 1.0
exp -745.0 = 5e-324 ; 5e-324
exp -746.0 = 0.0 ; 0.0
exp 709.8 = inf ; inf
exp2 NaN = NaN ; NaN
exp2 inf = inf ; inf
exp2 -inf = 0.0 ; 0.0
exp2 0.0 = 1.0 ; 0.6931471805599453
exp2 -0.0 = 1.0 ; 0.6931471805599453
exp2 -1074.0 = 5e-324 ; 5e-324
exp2 1024.0 = inf ; inf
exp10 NaN = NaN ; NaN
exp10 inf = inf ; inf
exp10 -inf = 0.0 ; 0.0
exp10 0.0 = 1.0 ; 2.302585092994046
exp10 -0.0 = 1.0 ; 2.302585092994046
exp10 22.0 = 1e22 ; 2.302585092994046e22
exp10 -324.0 = 0.0 ; 0.0
exp10 309.0 = inf ; inf
exp_m1 NaN = NaN ; NaN
exp_m1 inf = inf ; inf
exp_m1 -inf = -1.0 ; 0.0
exp_m1 0.0 = 0.0 ; 1.0
exp_m1 -0.0 = -0.0 ; 1.0
exp_m1 5e-324 = 5e-324 ; 1.0
exp_m1 -700.0 = -1.0 ; 9.85967654375977e-305
ln NaN = NaN ; NaN
ln inf = inf ; 0.0
ln -inf = NaN ; *
ln -1.0 = NaN ; *
ln 0.0 = -inf ; inf
ln -0.0 = -inf ; inf
ln 1.0 = 0.0 ; 1.0
ln 5e-324 = -744.4400719213812 ; inf
ln_1p NaN = NaN ; NaN
ln_1p inf = inf ; 0.0
ln_1p -inf = NaN ; *
ln_1p -2.0 = NaN ; *
ln_1p -1.0 = -inf ; inf
ln_1p 0.0 = 0.0 ; 1.0
ln_1p -0.0 = -0.0 ; 1.0
ln_1p 5e-324 = 5e-324 ; 1.0
log2 NaN = NaN ; NaN
log2 inf = inf ; 0.0
log2 -inf = NaN ; *
log2 -1.0 = NaN ; *
log2 0.0 = -inf ; inf
log2 -0.0 = -inf ; inf
log2 1.0 = 0.0 ; 1.4426950408889634
log2 5e-324 = -1074.0 ; inf
log10 NaN = NaN ; NaN
log10 inf = inf ; 0.0
log10 -inf = NaN ; *
log10 -1.0 = NaN ; *
log10 0.0 = -inf ; inf
log10 -0.0 = -inf ; inf
log10 1.0 = 0.0 ; 0.4342944819032518
log10 5e-324 = -323.3062153431158 ; inf
log10 1.5e308 = 308.1760912590557 ; 2.895296546021679e-309
log_base NaN 2.0 = NaN ; NaN NaN
log_base 2.0 NaN = NaN ; NaN NaN
log_base 2.0 0.0 = -inf ; inf inf
log_base 2.0 -0.0 = -inf ; inf inf
log_base 2.0 inf = inf ; -inf 0.0
log_base 2.0 1.5e308 = 1023.7388157260287 ; -738.4714563067411 9.617966939259755e-309
log_base 2.0 -inf = NaN ; NaN *
log_base 2.0 -1.0 = NaN ; NaN *
log_base -1.0 2.0 = NaN ; NaN NaN
log_base 1.0 2.0 = inf ; -inf inf
log_base 1.0 0.5 = -inf ; inf inf
log_base 1.0 1.0 = NaN ; NaN *
log_base 0.0 2.0 = -0.0 ; -inf 0.0
log_base 0.0 0.5 = 0.0 ; inf 0.0
log_base 0.0 1.0 = -0.0 ; 0.0 0.0
log_base inf 2.0 = 0.0 ; 0.0 0.0
log_base 0.0 0.0 = NaN ; NaN NaN
log_base_derivative 1.0 0.0 NaN 2.0 = NaN ; NaN NaN
log_base_derivative 1.0 0.0 2.0 inf = -inf ; inf 0.0
log_base_derivative 1.0 0.0 2.0 -inf = NaN ; NaN NaN
log_base_derivative 0.0 1.0 inf 2.0 = 0.0 ; 0.0 0.0
log_base_derivative 1.0 1.0 0.0 2.0 = -inf ; inf inf
log_base_derivative 1.0 1.0 -0.0 2.0 = -inf ; inf inf
log_base_derivative 0.0 2.0 2.0 0.0 = -inf ; inf inf
log_base_derivative 1.0 0.0 0.0 1.0 = 0.0 ; 0.0 -inf

exprel NaN = NaN ; NaN
exprel inf = inf ; inf
exprel -inf = 0.0 ; 0.0
exprel 0.0 = 1.0 ; 0.5
exprel -0.0 = 1.0 ; 0.5
cosm1 NaN = NaN ; NaN
cosm1 inf = NaN ; NaN
cosm1 -inf = NaN ; NaN
cosm1 0.0 = -0.0 ; 0.0
cosm1 -0.0 = -0.0 ; 0.0

mod2pi 1.0 = 1.0 ; 1.0
mod2pi -1.0 = 5.283185307179586 ; 1.0
mod2pi 1000000.0 = 5.925621140093852 ; 1.0
mod2pi 1e22 = 5.263007914620499 ; 1.0
mod2pi inf = NaN ; NaN
mod2pi NaN = NaN ; NaN

# hyperbolic
sinh NaN = NaN ; NaN
sinh inf = inf ; inf
sinh -inf = -inf ; inf
sinh 0.0 = 0.0 ; 1.0
sinh -0.0 = -0.0 ; 1.0
sinh 711.0 = inf ; inf
sinh 5e-324 = 5e-324 ; 1.0
cosh NaN = NaN ; NaN
cosh inf = inf ; inf
cosh -inf = inf ; -inf
cosh 0.0 = 1.0 ; 0.0
cosh -0.0 = 1.0 ; 0.0
cosh 5e-324 = 1.0 ; 5e-324
tanh NaN = NaN ; NaN
tanh inf = 1.0 ; 0.0
tanh -inf = -1.0 ; 0.0
tanh 0.0 = 0.0 ; 1.0
tanh -0.0 = -0.0 ; 1.0
tanh 400.0 = 1.0 ; 0.0
tanh 5e-324 = 5e-324 ; 1.0
asinh NaN = NaN ; NaN
asinh inf = inf ; 0.0
asinh -inf = -inf ; 0.0
asinh 0.0 = 0.0 ; 1.0
asinh -0.0 = -0.0 ; 1.0
asinh 5e-324 = 5e-324 ; 1.0
asinh 1.7976931348623157e308 = 710.4758600739439 ; 5.562684646268003e-309
asinh -9.1e307 = -709.7950451432548 ; 1.098901098901099e-308
acosh NaN = NaN ; NaN
acosh inf = inf ; 0.0
acosh -inf = NaN ; NaN
acosh 0.0 = NaN ; NaN
acosh -0.0 = NaN ; NaN
acosh 1.0 = 0.0 ; inf
acosh 0.5 = NaN ; NaN
acosh 1.7976931348623157e308 = 710.4758600739439 ; 5.562684646268003e-309
acosh 9.1e307 = 709.7950451432548 ; 1.098901098901099e-308
atanh NaN = NaN ; NaN
atanh inf = NaN ; *
atanh -inf = NaN ; *
atanh 2.0 = NaN ; *
atanh 1.0 = inf ; inf
atanh -1.0 = -inf ; inf
atanh 0.0 = 0.0 ; 1.0
atanh -0.0 = -0.0 ; 1.0
atanh 5e-324 = 5e-324 ; 1.0
sech NaN = NaN ; NaN
sech inf = 0.0 ; 0.0
sech -inf = 0.0 ; 0.0
sech 0.0 = 1.0 ; 0.0
sech -0.0 = 1.0 ; 0.0
sech 800.0 = 0.0 ; 0.0
sech 720.0 = 4.06446160484e-313 ; -4.06446160484e-313
sech -711.0 = 3.293467350449585e-309 ; 3.293467350449585e-309
csch NaN = NaN ; NaN
csch inf = 0.0 ; 0.0
csch -inf = -0.0 ; 0.0
csch 0.0 = inf ; -inf
csch -0.0 = -inf ; -inf
csch 5e-324 = inf ; -inf
csch 720.0 = 4.06446160484e-313 ; -4.06446160484e-313
csch -711.0 = -3.293467350449585e-309 ; -3.293467350449585e-309
coth NaN = NaN ; NaN
coth inf = 1.0 ; 0.0
coth -inf = -1.0 ; 0.0
coth 0.0 = inf ; -inf
coth -0.0 = -inf ; -inf
coth 5e-324 = inf ; -inf
asech NaN = NaN ; NaN
asech inf = NaN ; NaN
asech -inf = NaN ; NaN
asech 0.0 = inf ; -inf
asech -0.0 = NaN ; *
asech 1.0 = 0.0 ; -inf
asech 1.5 = NaN ; NaN
asech -0.5 = NaN ; *
asech 1e-310 = 714.4945260087142 ; -inf
acsch NaN = NaN ; NaN
acsch inf = 0.0 ; 0.0
acsch -inf = -0.0 ; 0.0
acsch 0.0 = inf ; -inf
acsch -0.0 = -inf ; -inf
acsch 1e-310 = 714.4945260087142 ; -inf
acsch 1e-308 = 709.889355822726 ; -1e308
acsch 1.4e154 = 7.142857142857143e-155 ; -5.102040816326531e-309
acsch -1.35e154 = -7.407407407407408e-155 ; -5.486968449931413e-309
acsch 1.5e154 = 6.6666666666666665e-155 ; -4.444444444444445e-309
acoth NaN = NaN ; NaN
acoth inf = 0.0 ; 0.0
acoth -inf = -0.0 ; 0.0
acoth 0.0 = NaN ; *
acoth -0.0 = NaN ; *
acoth 0.5 = NaN ; *
acoth 1.0 = inf ; -inf
acoth -1.0 = -inf ; -inf
acoth 1.4e154 = 7.142857142857143e-155 ; -5.102040816326531e-309
acoth -1.35e154 = -7.407407407407408e-155 ; -5.486968449931413e-309
acoth 1.5e154 = 6.6666666666666665e-155 ; -4.444444444444445e-309

# logarithmic
xlogx NaN = NaN ; NaN
xlogx inf = inf ; inf
xlogx -inf = NaN ; NaN
xlogx -1.0 = NaN ; NaN
xlogx 0.0 = 0.0 ; -inf
xlogx -0.0 = -0.0 ; -inf
xlogx 1.0 = 0.0 ; 1.0
xlogx 1e-310 = -7.13801378828152e-308 ; -712.8013788281542
xlogy NaN 2.0 = NaN ; NaN NaN
xlogy 2.0 NaN = NaN ; NaN NaN
xlogy 0.0 NaN = NaN ; NaN NaN
xlogy 0.0 0.0 = 0.0 ; -inf 0.0
xlogy -0.0 0.0 = -0.0 ; -inf 0.0
xlogy 0.0 inf = 0.0 ; inf 0.0
xlogy 0.0 -inf = 0.0 ; * 0.0
xlogy 0.0 -1.0 = 0.0 ; * 0.0
xlogy 0.0 2.0 = 0.0 ; 0.6931471805599453 0.0
xlogy 2.0 0.0 = -inf ; -inf inf
xlogy 2.0 -0.0 = -inf ; -inf inf
xlogy -2.0 0.0 = inf ; -inf -inf
xlogy 2.0 inf = inf ; inf 0.0
xlogy 2.0 -1.0 = NaN ; NaN *
xlogy inf 1.0 = NaN ; NaN NaN
over_power 1.0 NaN 1.0 = NaN ; NaN NaN
over_power 1.0 1.0 NaN = NaN ; NaN NaN
over_power 1.0 0.0 NaN = NaN ; NaN NaN
over_power 1.0 0.0 0.0 = 0.0 ; inf 0.0
over_power 1.0 -0.0 -0.0 = -0.0 ; inf 0.0
over_power 3.0 0.0 0.0 = 0.0 ; inf 0.0
over_power 2.0 -3.0 0.0 = -inf ; inf inf
over_power 1.0 3.0 -0.0 = inf ; inf -inf
over_power 1.0 3.0 inf = 0.0 ; 0.0 0.0
over_power 1.0 inf 2.0 = inf ; 0.5 -inf
over_power 1.0 inf inf = NaN ; NaN NaN
over_power 1.0 3.0 -inf = NaN ; NaN NaN
over_power 0.0 3.0 0.0 = 3.0 ; 1.0 0.0
over_power 2.0 1e-300 1e-200 = 1e100 ; inf -2e300
over_power 2.0 1e300 1e200 = 1e-100 ; 0.0 -2e-300
xlog1py NaN 1.0 = NaN ; NaN NaN
xlog1py 2.0 NaN = NaN ; NaN NaN
xlog1py 0.0 NaN = NaN ; NaN NaN
xlog1py 0.0 -1.0 = 0.0 ; -inf 0.0
xlog1py -0.0 -1.0 = -0.0 ; -inf 0.0
xlog1py 0.0 inf = 0.0 ; inf 0.0
xlog1py 0.0 -inf = 0.0 ; * 0.0
xlog1py 0.0 -2.0 = 0.0 ; * 0.0
xlog1py 2.0 -1.0 = -inf ; -inf inf
xlog1py 2.0 0.0 = 0.0 ; 0.0 2.0
xlog1py 2.0 -0.0 = -0.0 ; 0.0 2.0
xlog1py 2.0 -2.0 = NaN ; NaN *
xlog1py 2.0 inf = inf ; inf 0.0
logistic NaN = NaN ; NaN
logistic inf = 1.0 ; 0.0
logistic -inf = 0.0 ; 0.0
logistic 0.0 = 0.5 ; 0.25
logistic -0.0 = 0.5 ; 0.25
logistic -740.0 = 4.2e-322 ; 4.2e-322
logistic 800.0 = 1.0 ; 0.0
logit NaN = NaN ; NaN
logit inf = NaN ; *
logit -inf = NaN ; *
logit 0.0 = -inf ; inf
logit -0.0 = -inf ; inf
logit 1.0 = inf ; inf
logit -0.5 = NaN ; *
logit 1.5 = NaN ; *
logit 0.5 = 0.0 ; 4.0
logit 5e-324 = -744.4400719213812 ; inf
log1psq NaN = NaN ; NaN
log1psq inf = inf ; 0.0
log1psq -inf = inf ; 0.0
log1psq 0.0 = 0.0 ; 0.0
log1psq -0.0 = 0.0 ; 0.0
log1psq 5e-324 = 0.0 ; 1e-323
log1psq 1.7976931348623157e308 = 1419.565425786768 ; 1.1125369292536007e-308
log1pexp NaN = NaN ; NaN
log1pexp inf = inf ; 1.0
log1pexp -inf = 0.0 ; 0.0
log1pexp 0.0 = 0.6931471805599453 ; 0.5
log1pexp -0.0 = 0.6931471805599453 ; 0.5
log1pexp -746.0 = 0.0 ; 0.0
log1mexp NaN = NaN ; NaN
log1mexp inf = NaN ; NaN
log1mexp -inf = -0.0 ; 0.0
log1mexp 1.0 = NaN ; NaN
log1mexp 0.0 = -inf ; -inf
log1mexp -0.0 = -inf ; -inf
log1mexp -5e-324 = -744.4400719213812 ; -inf
log1mexp -710.0 = -4.47628622567513e-309 ; -4.47628622567513e-309
log1mexp -745.0 = -5e-324 ; -5e-324
log2mexp NaN = NaN ; NaN
log2mexp inf = NaN ; NaN
log2mexp -inf = 0.6931471805599453 ; 0.0
log2mexp 0.0 = -0.0 ; -1.0
log2mexp -0.0 = 0.0 ; -1.0
log2mexp 1.0 = NaN ; NaN
log2mexp 0.6931471805599453 = -37.609643155185836 ; -43121164869519420.0
log2mexp 0.6931471804906305 = -22.699215497439898 ; -14426933491.978814
log2mexp 5e-324 = -5e-324 ; -1.0
log2mexp -720.0 = 0.6931471805599453 ; -1.01611540123e-313
log2mexp 0.5 = -1.0461752700778735 ; -4.69348449872319
logexpm1 NaN = NaN ; NaN
logexpm1 inf = inf ; 1.0
logexpm1 -inf = NaN ; *
logexpm1 -1.0 = NaN ; *
logexpm1 0.0 = -inf ; inf
logexpm1 -0.0 = -inf ; inf
logexpm1 5e-324 = -744.4400719213812 ; inf
log1pmx NaN = NaN ; NaN
log1pmx inf = -inf ; -1.0
log1pmx 1.5 = -0.5837092681258449 ; -0.6
log1pmx -inf = NaN ; NaN
log1pmx -2.0 = NaN ; *
log1pmx -1.0 = -inf ; inf
log1pmx 0.0 = 0.0 ; 0.0
log1pmx -0.0 = -0.0 ; 0.0
log1pmx 5e-324 = -0.0 ; -5e-324
logmxp1 NaN = NaN ; NaN
logmxp1 inf = -inf ; -1.0
logmxp1 2.5 = -0.5837092681258449 ; -0.6
logmxp1 -inf = NaN ; NaN
logmxp1 -1.0 = NaN ; *
logmxp1 0.0 = -inf ; inf
logmxp1 -0.0 = -inf ; inf
logmxp1 1.0 = 0.0 ; 0.0
logmxp1 5e-324 = -743.4400719213812 ; inf
logaddexp NaN 0.0 = NaN ; NaN NaN
logaddexp -0.0 NaN = NaN ; NaN NaN
logaddexp inf inf = inf ; 0.5 0.5
logaddexp -inf -inf = -inf ; 0.5 0.5
logaddexp inf -inf = inf ; 1.0 0.0
logaddexp -inf 2.0 = 2.0 ; 0.0 1.0
logaddexp 2.0 inf = inf ; 0.0 1.0
logaddexp 0.0 0.0 = 0.6931471805599453 ; 0.5 0.5
logaddexp 1e308 1e308 = 1e308 ; 0.5 0.5
logaddexp -1e308 1e308 = 1e308 ; 0.0 1.0
logsubexp NaN 0.0 = NaN ; NaN NaN
logsubexp -0.0 NaN = NaN ; NaN NaN
logsubexp 2.0 2.0 = -inf ; -inf -inf
logsubexp inf 2.0 = inf ; 1.0 0.0
logsubexp -inf 2.0 = 2.0 ; 0.0 1.0
logsubexp 2.0 -inf = 2.0 ; 1.0 0.0
logsubexp inf inf = NaN ; NaN NaN
logsubexp -inf -inf = -inf ; * *

# power
sqrt NaN = NaN ; NaN
sqrt inf = inf ; 0.0
sqrt -inf = NaN ; NaN
sqrt -1.0 = NaN ; NaN
sqrt 0.0 = 0.0 ; inf
sqrt -0.0 = -0.0 ; inf
sqrt 5e-324 = 2.2227587494850775e-162 ; 2.2494568972715982e161
cbrt NaN = NaN ; NaN
cbrt inf = inf ; 0.0
cbrt -inf = -inf ; 0.0
cbrt 0.0 = 0.0 ; inf
cbrt -0.0 = -0.0 ; inf
cbrt 5e-324 = 1.7031839360032603e-108 ; 1.1490942214795806e215
recip NaN = NaN ; NaN
recip inf = 0.0 ; 0.0
recip -inf = -0.0 ; 0.0
recip 0.0 = inf ; -inf
recip -0.0 = -inf ; -inf
recip 5e-324 = inf ; -inf
powi NaN 2 = NaN ; NaN
powi NaN 0 = 1.0 ; 0.0
powi inf 2 = inf ; inf
powi -inf 3 = -inf ; inf
powi -inf -1 = -0.0 ; 0.0
powi 0.0 0 = 1.0 ; 0.0
powi -0.0 0 = 1.0 ; 0.0
powi 0.0 1 = 0.0 ; 1.0
powi -0.0 1 = -0.0 ; 1.0
powi 0.0 2 = 0.0 ; 0.0
powi -0.0 3 = -0.0 ; 0.0
powi 0.0 -1 = inf ; -inf
powi -0.0 -1 = -inf ; -inf
powi 0.0 -2 = inf ; -inf
powi 1.0 -2147483648 = 1.0 ; -2147483648.0
powi -1.0 -2147483648 = 1.0 ; 2147483648.0
powi -1.0 -2147483647 = -1.0 ; -2147483647.0
powf NaN 2.0 = NaN ; NaN NaN
powf 2.0 NaN = NaN ; NaN NaN
powf NaN 0.0 = 1.0 ; 0.0 *
powf 1.0 NaN = 1.0 ; NaN NaN
powf 0.0 0.0 = 1.0 ; 0.0 -inf
powf -0.0 -0.0 = 1.0 ; 0.0 -inf
powf 2.0 0.0 = 1.0 ; 0.0 0.6931471805599453
powf 0.0 1.0 = 0.0 ; 1.0 0.0
powf 0.0 2.0 = 0.0 ; 0.0 0.0
powf -0.0 3.0 = -0.0 ; 0.0 0.0
powf 0.0 0.5 = 0.0 ; inf 0.0
powf 0.0 -1.0 = inf ; -inf -inf
powf -1.0 2.0 = 1.0 ; -2.0 NaN
powf -1.0 0.5 = NaN ; NaN NaN
powf inf 2.0 = inf ; inf inf
powf inf 0.5 = inf ; 0.0 inf
powf inf 0.0 = 1.0 ; 0.0 inf
powf inf -1.0 = 0.0 ; 0.0 0.0
powf inf inf = inf ; inf inf
powf inf 1e20 = inf ; inf inf
powf inf -1e20 = 0.0 ; 0.0 0.0
powf inf -inf = 0.0 ; 0.0 0.0
powf -inf 3.0 = -inf ; inf NaN
powf -inf 4503599627370496.0 = inf ; -inf NaN
powf -inf 4503599627370497.0 = -inf ; inf NaN
powf -inf 1e300 = inf ; -inf NaN
powf -inf -1e300 = 0.0 ; 0.0 NaN
powf -1e200 1e300 = inf ; -inf NaN
powf -1e200 -1e300 = 0.0 ; 0.0 NaN
powf 1.0 inf = 1.0 ; inf NaN
powf 1.0 -inf = 1.0 ; -inf NaN
powf -0.0 -inf = inf ; inf -inf
powf 2.0 inf = inf ; inf inf
powf 2.0 -inf = 0.0 ; 0.0 0.0
powf 0.5 inf = 0.0 ; 0.0 0.0
powf 0.0 inf = 0.0 ; 0.0 0.0
powf 1e-310 1e-310 = 1.0 ; 1.0 -713.8013788281542
power_by_logarithm 1.0 NaN 2.0 = NaN ; NaN NaN
power_by_logarithm 1.0 2.0 NaN = NaN ; NaN NaN
power_by_logarithm 1.0 -1.0 2.0 = NaN ; NaN NaN
power_by_logarithm 1.0 -inf 2.0 = NaN ; NaN NaN
power_by_logarithm 1.0 0.0 2.0 = 0.0 ; 0.0 0.0
power_by_logarithm 1.0 -0.0 0.0 = -inf ; inf inf
power_by_logarithm 2.0 0.0 0.5 = 0.0 ; inf 0.0
power_by_logarithm 1.0 0.0 1.0 = 0.0 ; -inf 0.0
power_by_logarithm 2.0 0.0 -1.0 = inf ; -inf -inf
power_by_logarithm 1.0 inf -0.5 = 0.0 ; 0.0 0.0
power_by_logarithm 1.0 inf 0.5 = inf ; 0.0 inf
power_by_logarithm 1.0 inf 1.0 = inf ; inf inf
power_by_logarithm 1.0 1.0 0.0 = 0.0 ; 1.0 0.0
power_by_logarithm 0.0 2.0 3.0 = 8.0 ; 12.0 5.545177444479562
powf 1e-310 0.5 = 9.999999999999986e-156 ; 5.000000000000008e+154 -7.138013788281531e-153
hypot NaN 1.0 = NaN ; NaN NaN
hypot 1.0 NaN = NaN ; NaN NaN
hypot inf NaN = inf ; NaN NaN
hypot 0.0 0.0 = 0.0 ; 0.0 0.0
hypot -0.0 0.0 = 0.0 ; 0.0 0.0
hypot -0.0 -2.0 = 2.0 ; 0.0 -1.0
hypot 5e-324 0.0 = 5e-324 ; 1.0 0.0
hypot inf 1.0 = inf ; 1.0 0.0
hypot 1.0 -inf = inf ; 0.0 -1.0
hypot inf inf = inf ; NaN NaN
hypot 1.7976931348623157e308 0.0 = 1.7976931348623157e308 ; 1.0 0.0
hypot 1.5e308 1.5e308 = inf ; 0.7071067811865476 0.7071067811865476
hypot -1.5e308 0.0 = 1.5e308 ; -1.0 0.0
mul_add NaN 1.0 1.0 = NaN ; NaN NaN NaN
mul_add inf 0.0 1.0 = NaN ; NaN NaN NaN
mul_add inf 2.0 -inf = NaN ; NaN NaN NaN
mul_add -inf 2.0 1.0 = -inf ; 2.0 -inf 1.0
mul_add -0.0 2.0 -0.0 = -0.0 ; 2.0 0.0 1.0
mul_add -0.0 2.0 0.0 = 0.0 ; 2.0 0.0 1.0
abs NaN = NaN ; NaN
abs inf = inf ; 1.0
abs -inf = inf ; -1.0
abs 0.0 = 0.0 ; 0.0
abs -0.0 = 0.0 ; 0.0
abs -5e-324 = 5e-324 ; -1.0
signum NaN = NaN ; *
signum inf = 1.0 ; 0.0
signum -inf = -1.0 ; 0.0
signum 0.0 = 1.0 ; 0.0
signum -0.0 = -1.0 ; 0.0
max NaN 2.0 = 2.0 ; 0.0 1.0
max 2.0 NaN = 2.0 ; 1.0 0.0
max NaN NaN = NaN ; * *
max 2.0 2.0 = 2.0 ; 1.0 0.0
max inf inf = inf ; 1.0 0.0
max -inf 2.0 = 2.0 ; 0.0 1.0
max 0.0 -0.0 = 0.0 ; 1.0 0.0
min NaN 2.0 = 2.0 ; 0.0 1.0
min 2.0 NaN = 2.0 ; 1.0 0.0
min NaN NaN = NaN ; * *
min 2.0 2.0 = 2.0 ; 1.0 0.0
min -inf -inf = -inf ; 1.0 0.0
min inf 2.0 = 2.0 ; 0.0 1.0
min -0.0 0.0 = -0.0 ; 1.0 0.0
abs2 NaN = NaN ; NaN
abs2 inf = inf ; inf
abs2 -inf = inf ; -inf
abs2 0.0 = 0.0 ; 0.0
abs2 -0.0 = 0.0 ; 0.0
abs2 5e-324 = 0.0 ; 1e-323
left_div NaN 1.0 = NaN ; NaN NaN
left_div 1.0 NaN = NaN ; NaN NaN
left_div 0.0 2.0 = inf ; -inf inf
left_div -0.0 2.0 = -inf ; -inf -inf
left_div 0.0 0.0 = NaN ; NaN NaN
left_div inf 2.0 = 0.0 ; 0.0 0.0
left_div -inf 2.0 = -0.0 ; 0.0 0.0
left_div 2.0 inf = inf ; -inf 0.5
left_div inf inf = NaN ; NaN NaN

# rounding
floor NaN = NaN ; *
floor inf = inf ; 0.0
floor -inf = -inf ; 0.0
floor 0.0 = 0.0 ; 0.0
floor -0.0 = -0.0 ; 0.0
floor 2.0 = 2.0 ; 0.0
floor -5e-324 = -1.0 ; 0.0
ceil NaN = NaN ; *
ceil inf = inf ; 0.0
ceil -inf = -inf ; 0.0
ceil 0.0 = 0.0 ; 0.0
ceil -0.0 = -0.0 ; 0.0
ceil -0.5 = -0.0 ; 0.0
ceil 5e-324 = 1.0 ; 0.0
round NaN = NaN ; *
round inf = inf ; 0.0
round -inf = -inf ; 0.0
round 0.0 = 0.0 ; 0.0
round -0.0 = -0.0 ; 0.0
round 0.5 = 1.0 ; 0.0
round -0.5 = -1.0 ; 0.0
round 2.5 = 3.0 ; 0.0
round 0.49999999999999994 = 0.0 ; 0.0
round -0.3 = -0.0 ; 0.0
trunc NaN = NaN ; *
trunc inf = inf ; 0.0
trunc -inf = -inf ; 0.0
trunc 0.0 = 0.0 ; 0.0
trunc -0.0 = -0.0 ; 0.0
trunc -0.5 = -0.0 ; 0.0
fract NaN = NaN ; NaN
fract inf = NaN ; NaN
fract -inf = NaN ; NaN
fract 0.0 = 0.0 ; 1.0
fract -0.0 = 0.0 ; 1.0
fract -2.0 = 0.0 ; 1.0
fract -0.5 = -0.5 ; 1.0
rem NaN 2.0 = NaN ; * *
rem 2.0 NaN = NaN ; * *
rem 2.0 0.0 = NaN ; * *
rem inf 2.0 = NaN ; * *
rem 2.0 inf = 2.0 ; 1.0 0.0
rem -2.0 -inf = -2.0 ; 1.0 0.0
rem -0.0 2.0 = -0.0 ; 1.0 0.0
rem -4.0 2.0 = -0.0 ; 1.0 2.0
rem 4.0 2.0 = 0.0 ; 1.0 -2.0
rem -300.5 0.1 = -0.09999999999998332 ; 1.0 3004.0
rem 5.5 -2.0 = 1.5 ; 1.0 2.0
rem 1.0 0.1 = 0.09999999999999995 ; 1.0 -9.0
rem -1.0 0.1 = -0.09999999999999995 ; 1.0 9.0

# trigonometric
over_square NaN 1.0 = NaN ; NaN NaN
over_square 1.0 NaN = NaN ; NaN NaN
over_square 0.0 0.0 = 0.0 ; 0.0 0.0
over_square -0.0 0.0 = 0.0 ; 0.0 0.0
over_square inf 1.0 = 0.0 ; 0.0 0.0
over_square -inf 2.0 = 0.0 ; 0.0 0.0
over_square 1e-200 1e-200 = 5e199 ; 0.0 -inf
over_square 3e200 4e200 = 1.2e-201 ; 0.0 0.0
direction_cosine NaN 1.0 = NaN ; NaN NaN
direction_cosine 0.0 0.0 = 0.0 ; 0.0 0.0
direction_cosine -0.0 0.0 = 0.0 ; 0.0 0.0
direction_cosine inf 1.0 = 1.0 ; 0.0 0.0
direction_cosine -inf 1.0 = -1.0 ; 0.0 0.0
direction_cosine 3e200 4e200 = 0.6 ; 1.28e-201 -9.6e-202
sin NaN = NaN ; NaN
sin inf = NaN ; NaN
sin -inf = NaN ; NaN
sin 0.0 = 0.0 ; 1.0
sin -0.0 = -0.0 ; 1.0
sin 5e-324 = 5e-324 ; 1.0
cos NaN = NaN ; NaN
cos inf = NaN ; NaN
cos -inf = NaN ; NaN
cos 0.0 = 1.0 ; 0.0
cos -0.0 = 1.0 ; 0.0
cos 5e-324 = 1.0 ; -5e-324
tan NaN = NaN ; NaN
tan inf = NaN ; NaN
tan -inf = NaN ; NaN
tan 0.0 = 0.0 ; 1.0
tan -0.0 = -0.0 ; 1.0
tan 1.5707963267948966 = 16331239353195370.0 ; 2.6670937881135714e32
asin NaN = NaN ; NaN
asin inf = NaN ; NaN
asin -inf = NaN ; NaN
asin 1.5 = NaN ; NaN
asin 1.0 = 1.5707963267948966 ; inf
asin -1.0 = -1.5707963267948966 ; inf
asin 0.0 = 0.0 ; 1.0
asin -0.0 = -0.0 ; 1.0
asin 0.9999999999999999 = 1.5707963118937354 ; 67108864.0
acos NaN = NaN ; NaN
acos inf = NaN ; NaN
acos -inf = NaN ; NaN
acos -1.5 = NaN ; NaN
acos 1.0 = 0.0 ; -inf
acos -1.0 = 3.141592653589793 ; -inf
acos 0.0 = 1.5707963267948966 ; -1.0
acos -0.0 = 1.5707963267948966 ; -1.0
atan NaN = NaN ; NaN
atan inf = 1.5707963267948966 ; 0.0
atan -inf = -1.5707963267948966 ; 0.0
atan 0.0 = 0.0 ; 1.0
atan -0.0 = -0.0 ; 1.0
atan 1e200 = 1.5707963267948966 ; 0.0
atan 1.5e154 = 1.5707963267948966 ; 4.444444444444445e-309
atan2 NaN 1.0 = NaN ; NaN NaN
atan2 1.0 NaN = NaN ; NaN NaN
atan2 0.0 0.0 = 0.0 ; 0.0 0.0
atan2 -0.0 0.0 = -0.0 ; 0.0 0.0
atan2 0.0 -0.0 = 3.141592653589793 ; 0.0 0.0
atan2 -0.0 -0.0 = -3.141592653589793 ; 0.0 0.0
atan2 0.0 -1.0 = 3.141592653589793 ; -1.0 0.0
atan2 -0.0 -1.0 = -3.141592653589793 ; -1.0 0.0
atan2 0.0 2.0 = 0.0 ; 0.5 0.0
atan2 2.0 0.0 = 1.5707963267948966 ; 0.0 -0.5
atan2 1.0 inf = 0.0 ; 0.0 0.0
atan2 1.0 -inf = 3.141592653589793 ; 0.0 0.0
atan2 inf 1.0 = 1.5707963267948966 ; 0.0 0.0
atan2 -inf 1.0 = -1.5707963267948966 ; 0.0 0.0
atan2 inf inf = 0.7853981633974483 ; 0.0 0.0
atan2 1e-200 1e-200 = 0.7853981633974483 ; 5e199 -5e199
atan2 3e200 4e200 = 0.6435011087932844 ; 1.6e-201 -1.2e-201
atan2 1.5e308 1.5e308 = 0.7853981633974483 ; 3.33333333333333e-309 -3.33333333333333e-309
sec NaN = NaN ; NaN
sec inf = NaN ; NaN
sec -inf = NaN ; NaN
sec 0.0 = 1.0 ; 0.0
sec -0.0 = 1.0 ; 0.0
sec 1.5707963267948966 = 16331239353195370.0 ; 2.6670937881135714e32
csc NaN = NaN ; NaN
csc inf = NaN ; NaN
csc -inf = NaN ; NaN
csc 0.0 = inf ; -inf
csc -0.0 = -inf ; -inf
csc 5e-324 = inf ; -inf
cot NaN = NaN ; NaN
cot inf = NaN ; NaN
cot -inf = NaN ; NaN
cot 0.0 = inf ; -inf
cot -0.0 = -inf ; -inf
cot 1.5707963267948966 = 6.123233995736766e-17 ; -1.0
asec NaN = NaN ; NaN
asec inf = 1.5707963267948966 ; 0.0
asec -inf = 1.5707963267948966 ; 0.0
asec 0.0 = NaN ; NaN
asec -0.0 = NaN ; NaN
asec 0.5 = NaN ; NaN
asec 1.0 = 0.0 ; inf
asec -1.0 = 3.141592653589793 ; inf
asec 1.5e154 = 1.5707963267948966 ; 4.444444444444445e-309
acsc NaN = NaN ; NaN
acsc inf = 0.0 ; 0.0
acsc -inf = -0.0 ; 0.0
acsc 0.0 = NaN ; NaN
acsc -0.0 = NaN ; NaN
acsc 0.5 = NaN ; NaN
acsc 1.0 = 1.5707963267948966 ; -inf
acsc -1.0 = -1.5707963267948966 ; -inf
acsc -1.5e154 = -6.6666666666666665e-155 ; -4.444444444444445e-309
acot NaN = NaN ; NaN
acot inf = 0.0 ; 0.0
acot -inf = -0.0 ; 0.0
acot 0.0 = 1.5707963267948966 ; -1.0
acot -0.0 = -1.5707963267948966 ; -1.0
acot 5e-324 = 1.5707963267948966 ; -1.0
acot -1.5e154 = -6.6666666666666665e-155 ; -4.444444444444445e-309
sinpi NaN = NaN ; NaN
sinpi inf = NaN ; NaN
sinpi -inf = NaN ; NaN
sinpi 0.0 = 0.0 ; 3.141592653589793
sinpi -0.0 = -0.0 ; 3.141592653589793
sinpi 1.0 = 0.0 ; -3.141592653589793
sinpi -1.0 = -0.0 ; -3.141592653589793
sinpi 2.0 = 0.0 ; 3.141592653589793
sinpi -2.0 = -0.0 ; 3.141592653589793
sinpi 0.5 = 1.0 ; 0.0
sinpi -1.25 = 0.7071067811865476 ; -2.221441469079183
sinpi 1e300 = 0.0 ; 3.141592653589793
sinpi 5e-324 = 1.5e-323 ; 3.141592653589793
cospi NaN = NaN ; NaN
cospi inf = NaN ; NaN
cospi -inf = NaN ; NaN
cospi 0.0 = 1.0 ; 0.0
cospi -0.0 = 1.0 ; 0.0
cospi 0.5 = 0.0 ; -3.141592653589793
cospi -0.5 = 0.0 ; 3.141592653589793
cospi -1.25 = -0.7071067811865476 ; -2.221441469079183
cospi 1.0 = -1.0 ; 0.0
cospi 1e300 = 1.0 ; 0.0
sinc NaN = NaN ; NaN
sinc inf = 0.0 ; 0.0
sinc -inf = 0.0 ; 0.0
sinc 0.0 = 1.0 ; 0.0
sinc -0.0 = 1.0 ; 0.0
sinc 5e-324 = 1.0 ; -1.5e-323
sinc 2.0 = 0.0 ; 0.5

# special, in part
ellipk 1.0 = inf ; inf
ellipk -inf = 0.0 ; 0.0
ellipe 1.0 = 1.0 ; -inf
ellipe -inf = inf ; 0.0
fresnel_s inf = 0.5 ; NaN
fresnel_c -inf = -0.5 ; NaN
spence inf = -inf ; 0.0
airyaiprimex inf = -inf ; 0.0
airybiprimex inf = inf ; 0.0
airyai -inf = 0.0 ; NaN
erf inf = 1.0 ; 0.0
erfi inf = inf ; inf
erfi -inf = -inf ; inf
logerfcx 1e308 = -709.7685735850908 ; -1e-308
gamma_density 2.5 inf = 0.0 ; 0.0 0.0
beta inf inf = 0.0 ; 0.0 0.0
beta inf 0.5 = 0.0 ; 0.0 0.0
beta 3.0 inf = 0.0 ; 0.0 0.0
digamma_difference inf 2.0 = 0.0 ; 0.0 0.0
digamma_difference inf 0.0 = 0.0 ; 0.0 0.0
digamma_difference inf -0.5 = 0.0 ; 0.0 0.0
stumpff 0 -1e9 = inf ; -inf
asech -0.0 = NaN ; NaN
ln_beta 1e308 1e308 = -1.3862943611198906e308 ; -0.6931471805599453 -0.6931471805599453
cosc 0.0 = 1.0 ; NaN
";

/// The largest distance in units of the last place.
const TOLERANCE: u64 = 4;

/// The value and the partials of a primitive, by the registry. A constant argument is an i32.
fn evaluate(record: &Record, arguments: &[f64]) -> (f64, Vec<f64>) {
    let instance = record.instance("f64").expect(record.name);
    let mut values: Vec<Box<dyn Any>> = arguments
        .iter()
        .zip(record.arguments)
        .map(|(x, argument)| -> Box<dyn Any> {
            match argument.type_name {
                "u32" => Box::new(*x as u32),
                "i32" => Box::new(*x as i32),
                _ => Box::new(*x),
            }
        })
        .collect();
    let mut values: Vec<&mut dyn Any> = values.iter_mut().map(|x| &mut **x).collect();
    let mut y = 0.0_f64;
    let pullback = instance.reverse(&mut values, &mut y).expect(record.name);
    let mut partials = vec![0.0_f64; arguments.len()];
    let mut slots: Vec<_> = partials
        .iter_mut()
        .zip(record.arguments)
        .map(|(x, argument)| argument.differentiable().then_some(x as &mut dyn Any))
        .collect();
    pullback.pull(&1.0_f64, &mut slots).expect(record.name);
    let partials = partials.into_iter().zip(record.arguments);
    (y, partials.filter(|(_, argument)| argument.differentiable()).map(|(x, _)| x).collect())
}

/// The partial derivatives by expressions: of the expression of the derivative, and by a mode over that of the function.
fn by_expressions(record: &'static Record, arguments: &[f64]) -> Vec<(usize, f64, f64)> {
    let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
    let function = Expr::call(record.path, names.iter().map(|name| Expr::variable(name)));
    let point: Vec<_> = names.iter().copied().zip(arguments.iter().copied()).collect();
    let known = record.partials.iter().enumerate();
    known
        .filter(|(_, partial)| matches!(partial, Partial::Known(_)))
        .filter_map(|(i, _)| {
            let slope = differentiate(&function, names[i]).expect(record.path);
            // The least integer less one is none.
            let by_text = match symbolic::evaluate(&slope, &point) {
                Err(SymbolicError::Constant { .. }) if arguments.contains(&-2147483648.0) => {
                    return None;
                }
                value => value.expect(record.path),
            };
            let varied: Vec<_> = point
                .iter()
                .enumerate()
                .map(|(j, (name, x))| {
                    (*name, if i == j { Dual::new(*x, [1.0]) } else { Dual::constant(*x) })
                })
                .collect();
            let by_mode = symbolic::evaluate(&function, &varied).expect(record.path).tangents[0];
            Some((i, by_text, by_mode))
        })
        .collect()
}

/// The place of a number in the order of all numbers, the two zeros at one place.
fn place(x: f64) -> i64 {
    let bits = (x.to_bits() & !(1 << 63)) as i64;
    if x.is_sign_negative() { -bits } else { bits }
}

/// Whether a value is what a field of the table says.
fn agrees(found: f64, expected: &str, sign_of_zero: bool) -> bool {
    if expected == "*" {
        return true;
    }
    let exact: f64 = expected.parse().expect(expected);
    if exact.is_nan() || exact.is_infinite() || found.is_nan() || found.is_infinite() {
        return found == exact || (found.is_nan() && exact.is_nan());
    }
    if exact == 0.0 {
        return found == 0.0 && (!sign_of_zero || found.to_bits() == exact.to_bits());
    }
    place(found).abs_diff(place(exact)) <= TOLERANCE
}

#[test]
fn edges() {
    let (mut wrong, mut mended, mut checked) = (Vec::new(), Vec::new(), 0);
    for line in
        TABLE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (expected_to_fail, text) = match line.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, line),
        };
        let (call, result) = text.split_once('=').expect(line);
        let (value, partials) = result.split_once(';').expect(line);
        let mut words = call.split_whitespace();
        let name = words.next().expect(line);
        let arguments: Vec<f64> = words.map(|word| word.parse().expect(line)).collect();
        let partials: Vec<_> = partials.split_whitespace().collect();
        let record = find(name, arguments.len()).expect(line);
        let (found, found_partials) = evaluate(record, &arguments);
        assert_eq!(
            partials.len(),
            record.arguments.iter().filter(|a| a.differentiable()).count(),
            "{line}"
        );
        let right = agrees(found, value.trim(), true)
            && found_partials
                .iter()
                .zip(&partials)
                .all(|(found, expected)| agrees(*found, expected, false));
        if right && expected_to_fail {
            mended.push(line);
        }
        if !right && !expected_to_fail {
            wrong.push(format!("{line} -- found {found:?} ; {found_partials:?}"));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(mended.is_empty(), "mended, take off the mark: {mended:#?}");
    assert!(checked > 450, "{checked}");
}

/// Functions whose derivative by an argument does not depend on that.
const LINEAR: [&str; 9] =
    ["pos", "neg", "add", "sub", "mul", "left_div", "ldexp", "to_degrees", "to_radians"];

/// What the rules in code do at the edges, their expressions do too.
#[test]
fn expressions_at_the_edges() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in TABLE.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (call, result) = line.split_once('=').expect(line);
        let mut words = call.split_whitespace();
        let name = words.next().expect(line);
        let arguments: Vec<f64> = words.map(|word| word.parse().expect(line)).collect();
        let expected: Vec<_> = result.split_once(';').expect(line).1.split_whitespace().collect();
        let record = find(name, arguments.len()).expect(line);
        let differentiable: Vec<_> =
            (0..arguments.len()).filter(|&i| record.arguments[i].differentiable()).collect();
        for (i, by_text, by_mode) in by_expressions(record, &arguments) {
            let place = differentiable.iter().position(|j| *j == i).expect(line);
            if !agrees(by_mode, expected[place], false) {
                wrong.push(format!("{line} -- by a mode {i}: {by_mode:?}"));
            }
            let exact: f64 = if expected[place] == "*" {
                f64::NAN
            } else {
                expected[place].parse().expect(line)
            };
            let close = near(by_text, exact, 1e-12) || (by_text - exact).abs() <= 1e-307;
            // The text of a derivative that is a number, or a function of another argument, knows of no NaN.
            let linear = LINEAR.contains(&name) && exact.is_nan();
            // Nor of the limit of a power whose exponent, or base, is beyond the doubles.
            let power = name == "powf"
                && arguments.iter().any(|x| x.is_infinite() || x.abs() < 1e-300 && *x != 0.0);
            if !(close || linear || power || agrees(by_text, expected[place], false)) {
                wrong.push(format!("{line} -- by text {i}: {by_text:?}"));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 450, "{checked}");
}

/// Where a function is undefined, so are its derivatives by expressions, to the second order, though these may not read every
/// argument.
#[test]
fn an_expression_is_undefined_where_its_function_is() {
    const PLACES: [f64; 17] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        0.5,
        -0.5,
        3.0,
        -2.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1e300,
        1e-300,
        -1e-300,
        -1e-9,
    ];
    // These have one text for all numbers.
    let total = ["add", "sub", "mul", "left_div", "div", "pos", "neg", "ldexp"];
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for record in primitives() {
        let types: Vec<_> = record.arguments.iter().map(|argument| argument.type_name).collect();
        if !record.module.starts_with("difrules_core::math::")
            || record.instance("f64").is_none()
            || record.result != "T"
            || types.iter().any(|name| !["T", "i32", "u32"].contains(name))
            || total.contains(&record.name)
        {
            continue;
        }
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let function = Expr::call(record.path, names.iter().map(|name| Expr::variable(name)));
        let mut slopes = Vec::new();
        for by in names.iter().filter_map(|name| differentiate(&function, name).ok()) {
            slopes.extend(names.iter().filter_map(|name| differentiate(&by, name).ok()));
            slopes.push(by);
        }
        let program = symbolic::Program::new(&slopes, &names).expect(record.path);
        let count = if types.len() < 3 { PLACES.len() } else { 12 };
        for place in 0..count.pow(types.len() as u32) {
            let point: Vec<f64> = (0..types.len())
                .map(|i| {
                    let x = PLACES[place / count.pow(i as u32) % count];
                    match types[i] {
                        "u32" => x.trunc().clamp(0.0, 3.0),
                        "i32" => x.trunc().clamp(-3.0, 3.0),
                        _ => x,
                    }
                })
                .collect();
            let at: Vec<_> = names.iter().copied().zip(point.iter().copied()).collect();
            if !symbolic::evaluate(&function, &at).expect(record.path).is_nan() {
                continue;
            }
            checked += 1;
            let Ok(found) = program.call(&point) else { continue };
            if found.iter().any(|x| !x.is_nan()) {
                wrong.push(format!("{}{point:?}: {found:?}", record.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 1000, "{checked}");
}

/// Every function has lines with NaN, each infinity and each zero, and says its domain and its edges.
#[test]
fn every_elementary_function_is_in_the_table() {
    let families = [
        "degrees",
        "exponential",
        "hyperbolic",
        "logarithmic",
        "power",
        "rounding",
        "trigonometric",
    ];
    let mut lacking = BTreeSet::new();
    for record in primitives() {
        let is_own = record.module.starts_with("difrules_core::math::");
        if !is_own || !families.iter().any(|family| record.module.ends_with(family)) {
            continue;
        }
        let lines = TABLE.lines().filter_map(|line| line.trim_start_matches('!').split_once('='));
        let words: BTreeSet<&str> = lines
            .filter(|(call, _)| call.split_whitespace().next() == Some(record.name))
            .flat_map(|(call, _)| call.split_whitespace().skip(1))
            .collect();
        for word in ["NaN", "inf", "-inf", "0.0", "-0.0"] {
            if !words.contains(word) {
                lacking.insert(format!("{} {word}", record.name));
            }
        }
        for word in ["Domain: ", "Edge: "] {
            if !record.doc.contains(word) {
                lacking.insert(format!("{} {word}", record.name));
            }
        }
    }
    assert!(lacking.is_empty(), "{lacking:?}");
}

/// The special functions too: whatever the arguments are, nothing panics, no rule does, and a NaN stays one but where a
/// function has a value for all numbers in its place.
#[test]
fn nothing_panics_and_nan_stays() {
    const PLACES: [f64; 11] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        5e-324,
        -2.5,
        1.0,
        3.0,
        1.7e308,
        -1e100,
    ];
    // A maximum or minimum of one number, a choice, and powers and hypotenuses that are the same for all numbers.
    let total =
        ["max", "min", "select", "hypot", "powf", "powi", "signum", "clamp", "copysign", "atan2"];
    let mut wrong = Vec::new();
    let mut checked = 0;
    for record in
        primitives().iter().filter(|record| record.module.starts_with("difrules_core::math::"))
    {
        let Some(instance) = record.instance("f64") else { continue };
        let whole = |name: &str| matches!(name, "i32" | "u32" | "bool");
        let types: Vec<_> = record.arguments.iter().map(|argument| argument.type_name).collect();
        if types.iter().any(|name| *name != "T" && !whole(name)) {
            continue;
        }
        for place in 0..PLACES.len().pow(types.len() as u32) {
            let point: Vec<f64> = (0..types.len())
                .map(|i| PLACES[place / PLACES.len().pow(i as u32) % PLACES.len()])
                .collect();
            let mut boxed: Vec<Box<dyn Any>> = types
                .iter()
                .zip(&point)
                .map(|(name, &x)| match *name {
                    "i32" => Box::new(x.clamp(-50.0, 50.0) as i32) as Box<dyn Any>,
                    "u32" => Box::new(x.clamp(0.0, 50.0) as u32),
                    "bool" => Box::new(x > 0.0),
                    _ => Box::new(x),
                })
                .collect();
            let mut given: Vec<_> = boxed.iter_mut().map(|x| &mut **x).collect();
            let mut y: Option<Box<dyn Any>> = None;
            let pullback = instance.reverse(&mut given, &mut y).expect(record.path);
            checked += 1;
            let nan = types.iter().zip(&point).any(|(name, x)| !whole(name) && x.is_nan());
            let Some(value) = y.as_ref().and_then(|y| y.downcast_ref::<f64>()) else { continue };
            let mut adjoints = vec![0.0_f64; point.len()];
            let mut slots: Vec<_> = adjoints
                .iter_mut()
                .zip(record.partials)
                .map(|(x, partial)| match partial {
                    difrules_core::registry::Partial::Unknown
                    | difrules_core::registry::Partial::Constant => None,
                    _ => Some(x as &mut dyn Any),
                })
                .collect();
            pullback.pull(&1.0_f64, &mut slots).expect(record.path);
            if nan && !value.is_nan() && !total.contains(&record.name) {
                wrong.push(format!("{}{point:?} is {value:e}", record.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 10_000, "{checked}");
}
