//! First and second derivatives where plain formulas cancel or overflow, by expressions, by modes over them, and by the rules
//! in code; NaN; and what is not to be called with a mode.

use std::any::Any;

use difrules_core::registry::Partial;
use difrules_core::symbolic::{Expr, differentiate, evaluate};
use difrules_core::{Dual, Real, Var, find, gradient, hvp, jvp, math, primitives};
use nalgebra::convert;

use crate::reference::near;

/// A function, its arguments, the one that varies, and the first and the second derivative by it, from mpmath.
type Line = (&'static str, &'static [f64], usize, f64, f64);

#[rustfmt::skip]
const LINES: &[Line] = &[
    ("tanh", &[20.0], 0, 1.6993417021166355e-17, -3.398683404233271e-17),
    ("tanh", &[-18.5], 0, 3.413219050297626e-16, 6.826438100595251e-16),
    ("tanh", &[1e-200], 0, 1.0, -2e-200),
    ("tanh", &[0.3], 0, 0.9151369618266292, -0.5331818782014544),
    ("logistic", &[1e-300], 0, 0.25, -1.25e-301),
    ("logistic", &[-1e-08], 0, 0.25, 1.25e-09),
    ("logistic", &[40.0], 0, 4.248354255291589e-18, -4.248354255291589e-18),
    ("logistic", &[-40.0], 0, 4.248354255291589e-18, 4.248354255291589e-18),
    ("logistic", &[0.5], 0, 0.2350037122015945, -0.05755679485232074),
    ("sinint", &[1e-08], 0, 1.0, -3.3333333333333334e-09),
    ("sinint", &[-0.001], 0, 0.9999998333333416, 0.0003333333000000012),
    ("sinint", &[0.7], 0, 0.9203109817681301, -0.22209827783377378),
    ("sinint", &[30.0], 0, -0.03293438746976206, 0.006239527911911537),
    ("spence", &[1.0000000009313226], 0, -0.9999999995343387, 0.49999999937911827),
    ("spence", &[0.999], 0, -1.0005003335835334, 0.5006674174675009),
    ("spence", &[1.5], 0, -0.8109302162163288, 0.28852709909932417),
    ("atan2", &[1e-200, 1e-200], 0, 5e+199, -f64::INFINITY),
    ("atan2", &[1e-200, 1e-200], 1, -5e+199, f64::INFINITY),
    ("atan2", &[3e+200, 4e+200], 0, 1.6e-201, -0.0),
    ("atan2", &[3e+200, 4e+200], 1, -1.2e-201, 0.0),
    ("atan2", &[1e-05, 10000000000.0], 0, 1e-10, -2.0000000000000003e-35),
    ("atan2", &[1e-05, 10000000000.0], 1, -1e-25, 2.0000000000000003e-35),
    ("atan2", &[2.0, -1e-12], 0, -2.5e-13, 2.5e-13),
    ("atan2", &[2.0, -1e-12], 1, -0.5, -2.5e-13),
    ("hypot", &[10000000000.0, 1e-05], 0, 1.0, 1.0000000000000001e-40),
    ("hypot", &[10000000000.0, 1e-05], 1, 1e-15, 1e-10),
    ("hypot", &[3e+200, 4e+200], 0, 0.6, 1.28e-201),
    ("hypot", &[3e+200, 4e+200], 1, 0.8, 7.2e-202),
    ("hypot", &[3e-200, 4e-200], 0, 0.6, 1.28e+199),
    ("hypot", &[3e-200, 4e-200], 1, 0.8, 7.2e+198),
    ("hypot", &[1.0, 2.0], 0, 0.4472135954999579, 0.35777087639996635),
    ("hypot", &[1.0, 2.0], 1, 0.8944271909999159, 0.08944271909999159),
    ("exprel", &[1e-10], 0, 0.5000000000333333, 0.3333333333583333),
    ("exprel", &[-0.001], 0, 0.49966679163334027, 0.3330834333055615),
    ("exprel", &[0.5], 0, 0.7025574585997437, 0.48721270700128144),
    ("exprel", &[-70.0], 0, 0.00020408163265306123, 5.830903790087464e-06),
    ("exprel", &[30.0], 0, 344341958738.01154, 333259688801.6146),
    ("asin", &[1e-12], 0, 1.0, 1e-12),
    ("acos", &[1e-12], 0, -1.0, -1e-12),
    ("atanh", &[1e-12], 0, 1.0, 2e-12),
    ("asin", &[0.3], 0, 1.0482848367219182, 0.3455884077105225),
    ("acos", &[0.3], 0, -1.0482848367219182, -0.3455884077105225),
    ("atanh", &[0.3], 0, 1.098901098901099, 0.7245501750996256),
    ("asin", &[-0.9999999990686774], 0, 23170.475011315586, -12439554045005.59),
    ("acos", &[-0.9999999990686774], 0, -23170.475011315586, 12439554045005.59),
    ("atanh", &[-0.9999999990686774], 0, 536870912.25, -5.764607523034235e+17),
    ("asinh", &[1e+150], 0, 1e-150, -1e-300),
    ("atan", &[1e+150], 0, 1e-300, -0.0),
    ("asinh", &[0.001], 0, 0.999999500000375, -0.000999998500001875),
    ("atan", &[0.001], 0, 0.999999000001, -0.001999996000006),
    ("asinh", &[-100000000.0], 0, 1e-08, 9.999999999999999e-17),
    ("atan", &[-100000000.0], 0, 9.999999999999999e-17, 1.9999999999999995e-24),
    ("softplus", &[30.0], 0, 0.9999999999999064, 9.357622968838423e-14),
    ("silu", &[30.0], 0, 1.0000000000027136, -2.620134431274233e-12),
    ("softplus", &[-30.0], 0, 9.357622968839299e-14, 9.357622968838423e-14),
    ("silu", &[-30.0], 0, -2.713710660963134e-12, -2.620134431274233e-12),
    ("softplus", &[1e-09], 0, 0.50000000025, 0.25),
    ("silu", &[1e-09], 0, 0.5000000005, 0.5),
    ("log1mexp", &[-40.0], 0, -4.248354255291589e-18, -4.248354255291589e-18),
    ("log1mexp", &[-1e-09], 0, -999999999.4999999, -9.999999999999999e+17),
    ("log1mexp", &[-0.5], 0, -1.5414940825367982, -3.917698089032764),
    ("erfcx", &[10.0], 0, -0.0055593122190608565, 0.0010957411064280369),
    ("logerfc", &[10.0], 0, -20.099024116734604, -1.990288110387153),
    ("erfcx", &[50.0], 0, -0.00022554056313532387, 9.016217115157223e-06),
    ("logerfc", &[50.0], 0, -100.01999200798818, -1.9996004792016535),
    ("erfcx", &[-3.0], 0, -97237.06150316462, 615834.3467269868),
    ("logerfc", &[-3.0], 0, -6.962729502414981e-05, -0.0004177686181051112),
    ("log_ndtr", &[-30.0], 0, 30.033259667433676, -0.9988962284881099),
    ("log_ndtr", &[3.0], 0, 0.004437839042125664, -0.013333211541740806),
    ("ellipk", &[1e-06], 0, 0.39269952348565124, 0.44178738730094674),
    ("ellipe", &[1e-06], 0, -0.3926992289609718, -0.14726233971491745),
    ("ellipk", &[0.005], 0, 0.3949195779106807, 0.4464238822307915),
    ("ellipe", &[0.005], 0, -0.39343770187021687, -0.14818760404638356),
    ("ellipk", &[0.5], 0, 0.847213084793979, 1.8540746773013719),
    ("ellipe", &[0.5], 0, -0.5034307962536965, -0.34378228854028264),
    ("ellipk", &[-2.0], 0, 0.1108185091411757, 0.04353958744486434),
    ("ellipe", &[-2.0], 0, -0.2532545146498578, -0.03560900137717053),
    ("beta", &[0.5, 1e-11], 0, -4.934802200528946, 16.828796644224095),
    ("ln_beta", &[0.5, 1e-11], 0, -4.934802200460535e-11, 1.6828796643747274e-10),
    ("beta", &[0.5, 1e-16], 0, -4.934802200544679, 16.82879664423432),
    ("ln_beta", &[0.5, 1e-16], 0, -4.934802200544678e-16, 1.6828796644234315e-15),
    ("beta", &[0.5, 1e-300], 0, -4.934802200544679, 16.82879664423432),
    ("beta", &[1e-17, -0.5], 1, -8.93480220054468, 0.8287966442343198),
    ("beta", &[-7.3, 1e-8], 0, -14.951382790750635, -68.82117229100303),
    ("ln_beta", &[0.5, 1e-300], 0, -4.9348022005446794e-300, 1.6828796644234322e-299),
    ("beta", &[0.001, 1e-300], 0, -1000001.6425331958, 2000000002.3976321),
    ("ln_beta", &[0.001, 1e-300], 0, -1.0000016425331959e-294, 2.0000000023976324e-291),
    ("beta", &[2.0, 1e-09], 0, -0.6449340660012355, 0.404113806084045),
    ("ln_beta", &[2.0, 1e-09], 0, -6.449340666461695e-10, 4.041138060722189e-10),
    ("beta", &[30.0, 1e-12], 0, -0.03389506035760509, 0.0011487652037251589),
    ("ln_beta", &[30.0, 1e-12], 0, -3.389506035773937e-14, 1.148765203728561e-15),
    ("ellipk", &[-1e+155], 0, 2.827655542724165e-231, 0.0),
    ("ellipk", &[-100000000.0], 0, 4.798317331810656e-12, 6.947475964853605e-20),
    ("ellipk", &[-3.0], 0, 0.07878830166093198, 0.023496137974089035),
    ("asec", &[1.0000000000000002], 0, 47453132.812125765, -1.0685495562512618e+23),
    ("acsc", &[1.0000000000000002], 0, -47453132.812125765, 1.0685495562512618e+23),
    ("asecd", &[1.0000000000000002], 0, 2718864234.80857, -6.122337977377425e+24),
    ("acscd", &[1.0000000000000002], 0, -2718864234.80857, 6.122337977377425e+24),
    ("asec", &[1.000000001], 0, 22360.678821981634, -11180338513876.31),
    ("acsc", &[1.000000001], 0, -22360.678821981634, 11180338513876.31),
    ("asecd", &[1.000000001], 0, 1281172.523547109, -640586210372679.6),
    ("acscd", &[1.000000001], 0, -1281172.523547109, 640586210372679.6),
    ("asec", &[1.5], 0, 0.5962847939999439, -1.1130649487998954),
    ("acsc", &[1.5], 0, -0.5962847939999439, 1.1130649487998954),
    ("asecd", &[1.5], 0, 34.1646020840245, -63.77392389017906),
    ("acscd", &[1.5], 0, -34.1646020840245, 63.77392389017906),
    ("asec", &[-1.0000000001], 0, 70710.67518450222, 353553346757764.44),
    ("acsc", &[-1.0000000001], 0, -70710.67518450222, -353553346757764.44),
    ("asecd", &[-1.0000000001], 0, 4051423.254592421, 2.025711460194521e+16),
    ("acscd", &[-1.0000000001], 0, -4051423.254592421, -2.025711460194521e+16),
    ("asec", &[1e+155], 0, 1e-310, -0.0),
    ("acsc", &[1e+155], 0, -1e-310, 0.0),
    ("asecd", &[1e+155], 0, 5.72957795130823e-309, -0.0),
    ("acscd", &[1e+155], 0, -5.72957795130823e-309, 0.0),
    ("fresnel_s", &[700.1], 0, 0.015707317361823733, 2199.157678676923),
    ("fresnel_s", &[-300.7], 0, 0.6959127965846018, -678.3973326387833),
    ("fresnel_s", &[0.99999999], 0, 0.9999999999999996, 9.869604302637676e-08),
    ("fresnel_c", &[700.1], 0, 0.9998766324808751, -34.54712958133935),
    ("fresnel_c", &[-300.7], 0, 0.7181262977706627, 657.4127509572965),
    ("fresnel_c", &[0.99999999], 0, 3.141592653667576e-08, -3.141592622173865),
    ("fresnel_s", &[1e+200], 0, 0.0, 3.141592653589793e+200),
    ("fresnel_c", &[1e+200], 0, 1.0, 0.0),
    ("gammainc_lower", &[1.0, 0.0], 1, 1.0, -1.0),
    ("gammainc_upper", &[1.0, 0.0], 1, -1.0, 1.0),
    ("betainc", &[1.0, 2.5, 0.0], 2, 2.5, -3.75),
    ("betainc", &[2.5, 1.0, 1.0], 2, 2.5, 3.75),
    ("powf", &[-1.0, 1e+16], 0, -1e+16, 1e+32),
    ("powf", &[2.0, 3.0], 0, 12.0, 12.0),
    ("powf", &[0.0, 2.0], 0, 0.0, 2.0),
    ("powf", &[0.5, f64::INFINITY], 0, 0.0, 0.0),
    ("div", &[1e-200, 1e-110], 1, -1e+20, 2e+130),
    ("stumpff", &[3.0, 10000000000.0], 1, -5.003190600489242e-21, 8.939710665468159e-28),
    ("stumpff", &[7.0, 10000000000.0], 1, -8.3333333e-23, 1.6666666566666675e-32),
    ("stumpff", &[2.0, 100.0], 1, -0.00045591770835233015, -1.0498381282641283e-05),
    ("stumpff", &[1.0, 1000000.0], 1, 2.807760983750855e-07, -2.0714104928056327e-10),
    ("stumpff", &[5.0, 50.0], 1, -4.985023754695024e-05, 1.3361647127254317e-06),
    ("gamma_density", &[1e+16, 1e+16], 0, 1.9947114020071634e-25, -3.989422804014327e-25),
    ("gamma_density", &[100000000.0, 100000100.0], 0, 4.009163447602248e-11, -3.9888164446701645e-13),
    ("gamma_density", &[2000.0, 2100.0], 0, 3.705866094578712e-05, 1.4394293787301526e-06),
    ("gamma_density", &[100000.0, 100000.0], 0, 6.307836561569917e-09, -1.2615683636288379e-08),
    ("beta", &[0.5, -0.5], 0, -std::f64::consts::TAU, 17.420688722428817),
    ("beta", &[-2.5, -2.5], 0, -107.23302924253161, 129.31467504948563),
    ("beta", &[1.5, -2.5], 0, 0.8377580409572782, -0.6472424144092859),
    ("log1psq", &[0.999999999], 0, 1.0, 9.999999732180686e-10),
    ("log1psq", &[1.0000000000000002], 0, 1.0, -2.2204460492503123e-16),
    ("log1psq", &[-0.9999999990686774], 0, -1.0, 9.313225759165211e-10),
    ("log1psq", &[1.0000001], 0, 0.999999999999995, -9.99999850583877e-08),
    ("log1psq", &[0.3], 0, 0.5504587155963303, 1.5318575877451392),
    ("log1psq", &[3.0], 0, 0.6, -0.16),
    ("log1psq", &[-1.7], 0, -0.8740359897172236, -0.2498000938402469),
    ("gamma_density", &[1e-11, 0.5], 0, 1.2130613194224542, -0.28126407475450266),
    ("gamma_density", &[1e-200, 2.0], 0, 0.06766764161830635, 0.17192491550379838),
    ("gamma_density", &[0.001, 1e-11], 0, 95140407692.25964, -4769927874991.441),
    ("gamma_density", &[0.3, 30.0], 0, 1.9969395209306982e-14, 1.0244275332019063e-13),
    ("gamma_density", &[2.0, 1e-300], 1, 1.0, -2.0),
    ("gamma_density", &[2.5, 1e-12], 1, 1.1283791670936319e-06, 564189.5835449353),
    ("gamma_density", &[1.0, 1e-160], 1, -1.0, 1.0),
    ("gamma_density", &[3.0, 1e-30], 1, 1e-30, 1.0),
    ("beta_density", &[1e-11, 0.3, 0.5], 0, 3.249009585189814, -23.512794751167164),
    ("beta_density", &[1e-200, 1.0, 1e-11], 0, 100000000000.0, -5065687204586.9),
    ("beta_density", &[1e-200, 2e-200, 0.25], 0, 2.3703703703703702, -1.580246913580247e+200),
    ("beta_density", &[1e-11, 100000000.0, 1e-11], 0, 99900049971.68758, -1264842448632.7664),
    ("beta_density", &[1e-300, 2.5, 0.5], 0, std::f64::consts::FRAC_1_SQRT_2, 0.8304617359226119),
    ("beta_density", &[0.5, 1e-11, 0.3], 1, 2.6082026546955848, -9.092034336835455),
    ("beta_density", &[1.0, 1e-200, 0.5], 1, 2.0, -2.772588722239781),
    ("beta_density", &[2.5, 1e-100, 1e-11], 1, 3.162277660200002e-17, 8.097785477075436e-17),
    ("beta_density", &[3e-200, 1e-200, 0.75], 1, 3.0, -1.5e+200),
    ("besselj", &[1e-11, 1e-11], 1, 0.9999999997405563, -99999999974.05563),
    ("besselj", &[1e-160, 1e-08], 1, -5e-09, -0.5),
    ("besselj", &[-1e-12, 0.5], 1, -0.24226845767718527, -0.4539328918871406),
    ("besselj", &[1e-09, 2.5], 1, -0.4970941026934817, 0.2472214167632236),
    ("besseli", &[1e-11, 1e-11], 1, 0.9999999997505563, -99999999973.05563),
    ("besseli", &[1e-160, 1e-08], 1, 5e-09, 0.5),
    ("besseli", &[-1e-12, 0.5], 1, 0.25789430538923985, 0.5476947599637682),
    ("besseli", &[1e-09, 2.5], 1, 2.516716245362589, 2.2831526458427396),
    ("zeta", &[1e-11, 0.5], 1, -1.0000000000196352, 4.934802200611508e-11),
    ("zeta", &[1e-160, 2.0], 1, -1.0, 6.4493406684822646e-161),
    ("zeta", &[-1e-09, 3.5], 1, -1.0000000011031567, -3.3035775646757176e-10),
    ("zeta", &[0.001, 1e-05], 1, -102.15852269800945, 10125910.3387872),
    ("zeta", &[1e-13, 1e-100], 1, -1.000000000023026e+87, 1.0000000000231259e+187),
    ("acoth", &[1e+60], 0, -1e-120, 2e-180),
    ("acoth", &[-3.0], 0, -0.125, -0.09375),
    ("acot", &[1e+100], 0, -1e-200, 2e-300),
    ("atan", &[1e+100], 0, 1e-200, -2e-300),
    ("asec", &[1e+100], 0, 1e-200, -2e-300),
    ("acsc", &[1e+100], 0, -1e-200, 2e-300),
    ("acotd", &[1e+100], 0, -5.729577951308232e-199, 1.1459155902616465e-298),
    ("beta", &[1e-11, 0.5], 0, -1.0000000000000002e+22, 2.0000000000000005e+33),
    ("beta", &[1e-11, 0.5], 1, -4.934802200528946, 16.828796644224095),
    ("beta", &[1e-300, 30.0], 1, -0.033895060357739946, 0.0011487652037286),
    ("beta", &[1e-11, 1e-11], 0, -1.0000000000000002e+22, 2.0000000000000005e+33),
    ("beta", &[1e-160, 1e-11], 1, -1.0000000000000002e+22, 2.0000000000000005e+33),
    ("beta", &[1e+160, 1e-160], 0, -1e-160, 1e-320),
    ("digamma_difference", &[1e+160, 1e+160], 0, 5e-161, -7.5e-321),
    ("zeta", &[0.5, 1e+308], 1, -1e-154, 0.0),
    ("zeta", &[3.5, 1e+160], 1, -0.0, 0.0),
    ("invdigamma", &[-1e+160], 0, 1e-320, 0.0),
    ("invdigamma", &[-1e+100], 0, 1e-200, 2e-300),
    ("invdigamma", &[1000.0], 0, f64::INFINITY, f64::INFINITY),
    ("invdigamma", &[-0.001], 0, 1.032430979202961, 0.9762714550163379),
    ("eccentric_anomaly", &[100000000.0, 0.5], 0, 0.7476877653663797, -0.15421497790593222),
    ("eccentric_anomaly", &[100000000.0, 0.5], 1, 0.5517165390808274, -0.640788144443858),
    ("eccentric_anomaly", &[1e+160, 0.5], 1, 1.063173851900811, 1.9229233245932396),
    ("erf", &[1e+308], 0, 0.0, 0.0),
    ("erfc", &[-1e+308], 0, 0.0, 0.0),
    ("ndtr", &[1e+308], 0, 0.0, 0.0),
    ("erf_between", &[0.5, 1e+308], 1, 0.0, 0.0),
    ("logerfc", &[-1e+308], 0, 0.0, 0.0),
    ("log_ndtr", &[1e+308], 0, 0.0, 0.0),
    ("airyai", &[-100000000.0], 0, 9.912829519132075, 555412.8800056995),
    ("airyai", &[-1e+160], 0, 9.475612099525455e+38, -5.561754792488818e+119),
    ("airybi", &[-1e+16], 0, 5359.354081304885, 176304068290.54575),
    ("airyaiprime", &[-1e+100], 0, 5.607484632260406e+74, 6.221774002183328e+123),
    ("airybiprime", &[-1000.0], 0, 83.26457411708063, -1770.049204710106),
    ("besselj", &[0.5, 1e+308], 1, -7.111616402860872e-155, -3.6175805969346883e-155),
    ("besselj", &[2.0, 1e+308], 1, 7.586687955241802e-155, -2.4706564120790077e-155),
    ("bessely", &[30.0, 1e+160], 1, -7.384112769194953e-81, -3.0227232504101635e-81),
    ("bessely", &[0.5, 1e+308], 1, 3.6175805969346883e-155, -7.111616402860872e-155),
    ("bessely", &[-0.5, 1e-160], 1, 3.989422804014327e+79, -1.9947114020071634e+239),
    ("bessely", &[30.0, 1e-160], 1, f64::INFINITY, -f64::INFINITY),
    ("gamma_density", &[2.5, 1e+308], 0, 0.0, 0.0),
    ("gamma_density", &[2.5, 1e-300], 1, 1.1283791670955126e-150, 5.641895835477562e+149),
    ("gamma_density", &[1e-300, 30.0], 0, 3.1192076562800582e-15, 2.4818992869371857e-14),
    ("gamma_density", &[1e-300, 1e-160], 1, -1e+20, 2e+180),
    ("gammainc_lower", &[2.5, 1e-300], 1, 0.0, 1.1283791670955126e-150),
    ("beta_density", &[1e300, 1e300, 0.5], 0, 2.820947917738782e-151, -5.641895835477563e-151),
    ("beta_density", &[1e300, 1e300, 0.5], 1, 2.820947917738782e-151, -5.641895835477563e-151),
    ("beta_density", &[0.5, 1e-300, 1e-300], 0, -6.907755278982138e-148, 4.7717082994305585e-145),
    ("beta_density", &[2.5, 0.5, 1e-300], 2, 1.2732395447351627e-150, 6.366197723675814e+149),
    ("beta_density", &[1e-300, 30.0, 1e-300], 1, -9.6610493964226e-301, -1.1487652037285999e-303),
    ("logsubexp", &[1e-300, 100000000.0], 0, 0.0, 0.0),
    ("logsubexp", &[1e-300, 1e+160], 1, 1.0, 0.0),
    ("sinhc", &[1000.0], 0, f64::INFINITY, f64::INFINITY),
    ("sinhc", &[-1e+160], 0, -f64::INFINITY, f64::INFINITY),
    ("powf", &[1e-160, 2.5], 1, -0.0, 0.0),
    ("beta", &[-1e-09, 2.0], 0, -1e+18, -2e+27),
    ("beta", &[-1e-09, 2.0], 1, -0.6449340676952174, 0.40411380655433213),
    ("beta", &[-0.001, 0.5], 0, -1000000.6851651962, -1999999998.861251),
    ("beta", &[-0.001, 0.5], 1, -4.93637670595736, 16.82981951266784),
    ("beta", &[-0.005, 0.001], 0, -40001.6546199571, -15999997.5658426),
    ("beta", &[-2e-09, 3e-09], 1, -1.111111111111111e+17, 7.4074074074074076e+25),
    ("beta", &[30.0, -0.009], 0, -0.03513304881556283, 0.0011801853289207375),
    ("beta", &[-0.009, 30.0], 0, -12336.7703345353, -2743513.16962116),
    ("cbrt", &[f64::INFINITY], 0, 0.0, 0.0),
    ("acosh", &[f64::INFINITY], 0, 0.0, 0.0),
    ("over_square", &[3e-60, 4e-60], 0, 1.12e+118, -1.4976e+178),
    ("over_square", &[3e-100, 4e-100], 1, -3.84e+198, 1.4976e+298),
    ("over_square", &[3e+90, 4e+90], 1, -3.84e-182, 1.4976e-272),
    ("over_square", &[1.0, 1.0000000001], 0, 5.000000412951855e-11, -0.5),
    ("over_square", &[1e-300, 2e-300], 0, f64::INFINITY, -f64::INFINITY),
    ("over_square", &[0.0, 1e-300], 0, f64::INFINITY, 0.0),
    ("over_square", &[1e-300, 0.0], 1, 0.0, -f64::INFINITY),
    ("direction_cosine", &[1e-300, 2e-300], 0, 3.5777087639996635e299, -f64::INFINITY),
    ("beta_density", &[1.0, 1e300, 1e-300], 0, 2.1234577623937845e299, -4.825681168549485e299),
    ("beta_density", &[2.5, 3e200, 1e-200], 0, 2.3087732078153022e199, -1.949819060164289e199),
    ("hypot", &[0.0, -5e-324], 0, 0.0, f64::INFINITY),
    ("over_square", &[-0.0, 1e-310], 1, 0.0, 0.0),
    ("atan2", &[1.0, 0.9999999999999999], 0, 0.5, -0.5),
    ("cosm1", &[std::f64::consts::FRAC_PI_2], 0, -1.0, -6.123233995736766e-17),
    ("sqrt", &[0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("sqrt", &[-0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("cbrt", &[0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("cbrt", &[-0.0], 0, f64::INFINITY, f64::INFINITY),
    ("ln", &[0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("ln", &[-0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("log2", &[-0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("log10", &[-0.0], 0, f64::INFINITY, -f64::INFINITY),
    ("spence", &[0.0], 0, -f64::INFINITY, f64::INFINITY),
    ("spence", &[-0.0], 0, -f64::INFINITY, f64::INFINITY),
    ("beta", &[1.0, 0.0], 1, -f64::INFINITY, f64::INFINITY),
    ("beta", &[2.5, 0.0], 0, -0.49035775610023486, 0.2362040516417274),
    ("beta", &[-0.5, 0.0], 0, -8.93480220054468, 0.82879664423432),
    ("powf", &[-f64::INFINITY, 4503599627370496.0], 0, -f64::INFINITY, f64::INFINITY),
    ("powf", &[-f64::INFINITY, 4503599627370497.0], 0, f64::INFINITY, -f64::INFINITY),
    ("powf", &[-f64::INFINITY, 1.8014398509481984e16], 0, -f64::INFINITY, f64::INFINITY),
    ("powf", &[-f64::INFINITY, -1.8014398509481984e16], 0, 0.0, 0.0),
    ("log_base", &[0.0, 2.0], 0, -f64::INFINITY, f64::INFINITY),
    ("log_base", &[0.0, 2.0], 1, 0.0, 0.0),
    ("beta", &[-1.0000000000000002, 1.0], 0, -0.9999999999999996, -1.9999999999999987),
    ("beta", &[-2.000000001, 3.0], 0, -9.999998345192786e17, -1.9999995035578563e27),
    ("beta", &[-1.000000002, 1.000000000001], 0, 250021.23928781273, 250022246358918.75),
    ("beta", &[-2.999999999999, 2.0], 0, 0.13888888888906484, 0.17592592592622688),
    ("beta", &[-5.0000001, 7.0], 0, 599999996634811.8, 1.1999999899044724e22),
    ("beta", &[-0.75, -0.249999999], 0, -23.695375650616242, 157.19059791390512),
    ("beta", &[9.000000001, -0.9999999999999999], 0, -9007199254740989.0, 0.12467747580641583),
    ("beta", &[2.0, -1.0000000000000002], 0, 4503599627370497.0, 0.8857543273772646),
    ("beta", &[0.5, -2.999999], 0, -958336.4607989275, 1500018.5465975334),
    ("beta", &[7.25, -3.0000000001], 0, 136145822075.67305, 52499995662.08542),
    ("ln_beta", &[-1.0000000000000002, 1.0], 0, 0.9999999999999998, 0.9999999999999996),
    ("ln_beta", &[-2.000000001, 3.0], 0, 999999918.7596358, 9.999998345192786e17),
    ("ln_beta", &[-1.000000002, 1.000000000001], 0, -250146.32407250602, -250209904830893.3),
    ("ln_beta", &[-2.999999999999, 2.0], 0, 0.8333333333336945, 0.36111111111143523),
    ("ln_beta", &[-5.0000001, 7.0], 0, 10000001.255289955, 99999999439139.83),
    ("ln_beta", &[1e-310, 0.0], 0, 0.0, 0.0),
    ("ln_beta", &[1e-310, 0.0], 1, -f64::INFINITY, f64::INFINITY),
    ("ln_beta", &[3e-200, 0.0], 1, -f64::INFINITY, f64::INFINITY),
    ("besseli", &[1e-100, 0.0], 1, f64::INFINITY, -f64::INFINITY),
    ("besseli", &[1e-100, -0.0], 1, f64::INFINITY, -f64::INFINITY),
    ("besseli", &[-1e-30, 0.0], 1, -f64::INFINITY, f64::INFINITY),
    ("besseli", &[1e-4, 0.0], 1, f64::INFINITY, -f64::INFINITY),
    ("besselj", &[1e-100, 0.0], 1, f64::INFINITY, -f64::INFINITY),
    ("besseljx", &[-1e-20, 0.0], 1, -f64::INFINITY, f64::INFINITY),
    ("log_base", &[1e-310, 17.710155037851877], 0, -5.6409582152100675e304, f64::INFINITY),
    ("coshc", &[1e-310], 0, -f64::INFINITY, f64::INFINITY),
    ("coshc", &[-1e-310], 0, -f64::INFINITY, -f64::INFINITY),
    ("coshc", &[1e-100], 0, -1e200, 2e300),
    ("powf", &[0.0, -f64::INFINITY], 1, -f64::INFINITY, f64::INFINITY),
    ("powf", &[-0.0, -f64::INFINITY], 1, -f64::INFINITY, f64::INFINITY),
    ("powf", &[1e-310, 1.0000000000000002], 0, 1.0, 2.220446049250313e294),
    ("powf", &[1e-310, 0.9999999999999999], 0, 1.0, -1.1102230246251566e294),
];

fn close(found: f64, exact: f64) -> bool {
    near(found, exact, 2e-11) || (found - exact).abs() <= 1e-307
}

#[test]
fn second_derivatives_do_not_cancel() {
    let mut wrong = Vec::new();
    for &(name, arguments, by, first, second) in LINES {
        let record = find(name, arguments.len()).expect(name);
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let function = Expr::call(name, names.iter().map(|name| Expr::variable(name)));
        let slope = differentiate(&function, names[by]).expect(name);
        let curvature = differentiate(&slope, names[by]).expect(name);
        let point: Vec<_> = names.iter().copied().zip(arguments.iter().copied()).collect();
        let varied: Vec<_> = point
            .iter()
            .enumerate()
            .map(|(i, (name, x))| {
                (*name, if i == by { Dual::new(*x, [1.0]) } else { Dual::constant(*x) })
            })
            .collect();
        let twice: Vec<_> = varied
            .iter()
            .map(|(name, x)| (*name, Dual::new(*x, [Dual::constant(x.tangents[0])])))
            .collect();
        let mut compare = |what: &str, found: f64, exact: f64| {
            if !close(found, exact) {
                wrong.push(format!("{name}{arguments:?} by {by}: {what} {found:e}, not {exact:e}"));
            }
        };
        compare("the expression has", evaluate(&slope, &point).unwrap(), first);
        compare("the second expression has", evaluate(&curvature, &point).unwrap(), second);
        let mode = evaluate(&slope, &varied).unwrap();
        compare("a mode over the expression has", mode.tangents[0], second);
        let mode = evaluate(&function, &twice).unwrap();
        compare("a mode over the function has", mode.value.tangents[0], first);
        compare("two modes over the function have", mode.tangents[0].tangents[0], second);
        if let Some(found) = by_code(name, &twice.iter().map(|(_, x)| *x).collect::<Vec<_>>()) {
            compare("the rule has", found.value.tangents[0], first);
            compare("the rule of the rule has", found.tangents[0].tangents[0], second);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn by_code<T: Real>(name: &str, x: &[T]) -> Option<T> {
    macro_rules! call {
        ($($one:ident)*; $($two:ident)*) => {
            match (name, x) {
                $((stringify!($one), &[x]) => Some(math::$one(x)),)*
                $((stringify!($two), &[x, y]) => Some(math::$two(x, y)),)*
                _ => None,
            }
        };
    }
    call!(tanh logistic sinint exprel asin acos atanh softplus log1mexp erfcx logerfc; atan2 hypot)
}

/// Derivatives by one argument and by the other, in each nesting; from mpmath, or limits.
#[test]
fn mixed_derivatives_are_the_same_in_each_nesting() {
    fn mixed(f: impl Fn([Dual<Dual<f64>>; 2]) -> Dual<Dual<f64>>, x: [f64; 2]) -> f64 {
        let inner = Dual::new(Dual::constant(x[0]), [Dual::constant(1.0)]);
        f([inner, Dual::constant(Dual::new(x[1], [1.0]))]).tangents[0].tangents[0]
    }
    macro_rules! check {
        ($($name:ident at $x:expr, $y:expr => $wanted:expr,)*) => {$({
            let (x, y): (f64, f64) = ($x, $y);
            let name = stringify!($name);
            let mut found = vec![
                mixed(|[x, y]| math::$name(x, y), [x, y]),
                mixed(|[y, x]| math::$name(x, y), [y, x]),
            ];
            for (i, unit) in [[1.0, 0.0], [0.0, 1.0]].into_iter().enumerate() {
                let over = |x: &[Dual<f64>; 2]| {
                    gradient(|x: &[Var<Dual<f64>>; 2]| math::$name(x[0], x[1]), x)
                };
                found.push(jvp(over, &[x, y], &unit).1[1 - i]);
                let under = |x: &[Var<f64>; 2]| {
                    let unit = unit.map(Var::constant);
                    jvp(|x: &[Dual<Var<f64>>; 2]| math::$name(x[0], x[1]), x, &unit).1
                };
                found.push(gradient(under, &[x, y])[1 - i]);
                let twice = |x: &[Var<f64>; 2]| {
                    gradient(|x: &[Var<Var<f64>>; 2]| math::$name(x[0], x[1]), x)[i]
                };
                found.push(gradient(twice, &[x, y])[1 - i]);
            }
            for found in found {
                assert!(near(found, $wanted, 1e-12), "{name}({x:e}, {y:e}): {found:e}");
            }
        })*};
    }
    const INFINITY: f64 = f64::INFINITY;
    check!(
        beta at -1e-300, 0.5 => 1.5733098582600418,
        beta at -1e-9, 2.0 => 0.8469909718664491,
        beta at -1e-3, 0.5 => 1.575702050074408,
        beta at 0.25, -1e-160 => 1.8895278523620498,
        beta at -0.005, 1e-3 => 2.4150221089216296,
        beta at -2e-9, 3e-9 => 2.4041138036133805,
        beta at -0.009, 30.0 => 0.1402933425759287,
        beta at -1e-100, -1e-90 => 2.4041138063191886,
        beta at -1e-200, 1e-200 => 2.4041138063191886,
        beta at 1e-17, -0.5 => 5.897736814869839,
        beta at 1e-8, -0.5 => 5.897736782770239,
        beta at -7.3, 1e-8 => 39.068328249990536,
        beta at -1e-10, -2.5 => 16.083587905513333,
        beta at 1e-3, -1.25 => 20.450240286301028,
        powf at 0.0, 0.5 => -INFINITY,
        powf at 1e-310, 0.5 => -3.5590068941407764e157,
        powf at 5e-324, 0.5 => -1.6700869405943724e164,
        powf at 1e-310, 1.5 => -1.0697020682422296e-152,
        powf at 1e300, 1.5 => 1.0371632918473205e153,
        over_square at 0.0, 1e-200 => -INFINITY,
        over_square at 0.0, 1e-100 => -2e300,
        over_square at 1e-200, 0.0 => 0.0,
        over_square at 3e-100, 4e-100 => 5.632e297,
        log_base at 0.0, 2.0 => -INFINITY,
        log_base at 2.0, 0.0 => -INFINITY,
        direction_cosine at 1e-300, 2e-300 => -INFINITY,
        direction_cosine at 1e-300, 0.0 => 0.0,
        atan2 at 1e-300, 1e-300 => 0.0,
        atan2 at 1.0, 0.9999999999999999 => 5.551115123125784e-17,
        beta_curvature at 2.0, 1e-100 => 0.155192182250416,
        beta_curvature at 2.0, 1e-8 => 0.15519218130026,
        beta at 1.0, 0.0 => 1.2020569031595942,
        beta at 0.0, 2.5 => 0.7459425165416651,
        beta at 2.5, -0.0 => 0.7459425165416651,
        beta at -2.000000001, 3.0 => -1.499999751778918e18,
        beta at -2.999999999999, 2.0 => -1.666370370904081e23,
        beta at -5.0000001, 7.0 => 869999995120480.9,
        ln_beta at 1e-310, 0.0 => -INFINITY,
        ln_beta at 2e-200, 0.0 => -INFINITY,
        powf at -0.0, -INFINITY => -INFINITY,
        powf at 0.0, -INFINITY => INFINITY,
        powf at 0.0, 1e-310 => -INFINITY,
        powf at -0.0, 1e-310 => -INFINITY,
    );
    // The sign of a NaN is one, but nothing is known of it.
    let found = gradient(|x: &[Var<f64>; 2]| math::copysign(x[0], x[1]), &[2.0, f64::NAN]);
    assert!(found.iter().all(|x| x.is_nan()));
}

/// The scaled functions of Airy far out, where the two terms of the plain formulas cancel: the first derivative by the
/// expression, both by modes over it and over the functions.
#[test]
fn scaled_airy_functions_far_out() {
    #[rustfmt::skip]
    let lines: &[(&str, f64, f64, f64)] = &[
        ("airyaix", 12.0, -0.003104107247987542, 0.00031688054005710214),
        ("airyaix", 100.0, -0.00022285314072735462, 2.783232269428268e-06),
        ("airyaix", 10000.0, -7.052364652001638e-07, 8.815448101495565e-11),
        ("airyaix", 100000000.0, -7.052369794341811e-12, 8.815462242919551e-20),
        ("airyaix", 10000000000.0, -2.2301551451909624e-14, 2.7876939314887006e-24),
        ("airyaix", 1e+16, -7.052369794346953e-22, 8.815462242933692e-38),
        ("airyaiprimex", 12.0, -0.010752942931314454, 0.0006496671018127625),
        ("airyaiprimex", 100.0, -0.0022285314072735462, 1.6689665657914947e-05),
        ("airyaiprimex", 10000.0, -7.052364652001639e-05, 5.289265775494746e-09),
        ("airyaiprimex", 100000000.0, -7.052369794341811e-08, 5.289277345748645e-16),
        ("airyaiprimex", 10000000000.0, -2.2301551451909624e-09, 1.6726163588932192e-19),
        ("airyaiprimex", 1e+16, -7.052369794346954e-14, 5.2892773457602154e-30),
        ("airybix", 12.0, -0.006430196565342783, 0.0006847404872579112),
        ("airybix", 100.0, -0.00044635674554541617, 5.584352366552495e-06),
        ("airybix", 10000.0, -1.4104749873415176e-06, 1.7630952768873857e-10),
        ("airybix", 100000000.0, -1.4104739588704192e-11, 1.7630924485895666e-19),
        ("airybix", 10000000000.0, -4.460310290381931e-14, 5.575387862977419e-24),
        ("airybix", 1e+16, -1.4104739588693907e-21, 1.7630924485867383e-37),
        ("airybiprimex", 12.0, 0.022274854307657178, -0.0014438916983746275),
        ("airybiprimex", 100.0, 0.004463567455454161, -3.352568638825414e-05),
        ("airybiprimex", 10000.0, 0.00014104749873415176, -1.0578577832166267e-08),
        ("airybiprimex", 100000000.0, 1.4104739588704192e-07, -1.0578554691543571e-15),
        ("airybiprimex", 10000000000.0, 4.460310290381931e-09, -3.3452327177864533e-19),
        ("airybiprimex", 1e+16, 1.4104739588693907e-13, -1.0578554691520431e-29),
        ("airyaix", 1e100, -7.052369794346954e-127, 8.815462242933693e-227),
        ("airyaiprimex", 1e160, -7.052369794346954e-122, 5.289277345760215e-282),
        ("airybiprimex", 1e160, 1.4104739588693906e-121, -1.057855469152043e-281),
    ];
    for &(name, x, first, second) in lines {
        let near = |found: f64, exact: f64, what: &str| {
            let error = (found - exact).abs() / exact.abs();
            assert!(error < 1e-10, "{name} at {x}: {what} {found:e}, not {exact:e}");
        };
        let function = Expr::call(name, [Expr::variable("x")]);
        let slope = differentiate(&function, "x").unwrap();
        near(evaluate(&slope, &[("x", x)]).unwrap(), first, "the expression has");
        let along = evaluate(&slope, &[("x", Dual::new(x, [1.0]))]).unwrap();
        near(along.value, first, "a mode over the expression has");
        near(along.tangents[0], second, "the tangent of the expression is");
        let twice = Dual::new(Dual::new(x, [1.0]), [Dual::constant(1.0)]);
        let found = evaluate(&function, &[("x", twice)]).unwrap();
        near(found.value.tangents[0], first, "a mode has");
        near(found.tangents[0].tangents[0], second, "two modes have");
        let found = match name {
            "airyaix" => math::airyaix(twice),
            "airyaiprimex" => math::airyaiprimex(twice),
            "airybix" => math::airybix(twice),
            _ => math::airybiprimex(twice),
        };
        near(found.tangents[0].tangents[0], second, "the rule of the rule has");
    }
}

/// The same of the scaled functions of Bessel.
#[test]
fn scaled_bessel_functions_far_out() {
    #[rustfmt::skip]
    let lines: &[(&str, f64, f64, f64, f64)] = &[
        ("besselix", 0.0, 10000.0, -1.9947862106984187e-07, 2.992254131753587e-11),
        ("besselkx", 0.0, 10000.0, -6.266335712204455e-07, 9.399268615958125e-11),
        ("besselix", 1.0, -50.0, -0.0005513597232991151, -1.6281412763462684e-05),
        ("besselix", 1e-12, 0.5, -0.488614467262713, 0.6643873281536733),
        ("besselix", 0.0, 100000000.0, -1.9947114094873313e-13, 2.9920671217111648e-21),
        ("besselkx", 0.0, 100000000.0, -6.266570663077861e-13, 9.399855971117152e-21),
        ("besselix", 1.0, 100000000.0, -1.99471137956666e-13, 2.9920670469094864e-21),
        ("besselkx", 1.0, 100000000.0, -6.266570757076421e-13, 9.39985620611355e-21),
        ("besselix", 1.0, 1e+16, -1.9947114020071632e-25, 2.9920671030107447e-41),
        ("besselkx", 1.0, 1e+16, -6.266570686577502e-25, 9.399856029866254e-41),
        ("besselix", 0.0, 1e+16, -1.9947114020071634e-25, 2.992067103010745e-41),
        ("besselkx", 0.0, 1e+16, -6.266570686577501e-25, 9.399856029866252e-41),
    ];
    for &(name, order, x, first, second) in lines {
        let near = |found: f64, exact: f64, what: &str| {
            let error = (found - exact).abs() / exact.abs();
            assert!(error < 1e-10, "{name} {order} at {x}: {what} {found:e}, not {exact:e}");
        };
        let function = Expr::call(name, [Expr::Number(order), Expr::variable("x")]);
        let slope = differentiate(&function, "x").unwrap();
        near(evaluate(&slope, &[("x", x)]).unwrap(), first, "the expression has");
        let along = evaluate(&slope, &[("x", Dual::new(x, [1.0]))]).unwrap();
        near(along.tangents[0], second, "the tangent of the expression is");
        let twice = Dual::new(Dual::new(x, [1.0]), [Dual::constant(1.0)]);
        let found = evaluate(&function, &[("x", twice)]).unwrap();
        near(found.value.tangents[0], first, "a mode has");
        near(found.tangents[0].tangents[0], second, "two modes have");
    }
}

/// Shapes that are huge, or next to a pole, in the expressions and in the rules.
#[test]
fn beta_functions_at_the_ends_of_the_numbers() {
    let at = |text: &str, by: &str, point: &[(&str, f64)]| {
        evaluate(&differentiate(&text.parse().unwrap(), by).unwrap(), point).unwrap()
    };
    let near = |found: f64, exact: f64| {
        assert!(near(found, exact, 1e-13), "{found:e}, not {exact:e}");
    };
    for b in [1e8, 1e200] {
        near(at("beta_density(a, b, x)", "b", &[("a", 1.0), ("b", b), ("x", 0.0)]), 1.0);
    }
    // Both a and a + b are next to poles: it is 1 / a.
    let found = at("beta(a, b)", "a", &[("a", -1.0000000000000002), ("b", 1.0)]);
    assert!((found + 1.0).abs() < 1e-11, "{found}");
    for (a, exact) in [(1e-3, -1_000_001.642_533_195_8), (1e-11, -1e22)] {
        near(at("beta(a, b)", "a", &[("a", a), ("b", -1e-200)]), exact);
        let b = Dual::constant(-1e-200);
        near(math::beta(Dual::new(a, [1.0]), b).tangents[0], exact);
    }
}

/// By one argument and then by the other, by every nesting and by the expressions.
#[test]
fn mixed_derivatives_do_not_cancel() {
    for (name, a, b, exact) in [
        ("beta", 1e-11, 0.5, 1.573_309_858_236_153),
        ("beta", 1e-300, 2.5, 0.745_942_516_541_665_1),
        ("beta", 3e-7, 1e-9, 2.404_112_991_871_261_6),
        ("beta", 0.01, 0.3, 1.790_112_263_560_852_6),
        ("beta", 30.0, 1e-160, 0.134_854_877_187_547_3),
        ("ln_beta", 0.5, 1e-300, -4.934_802_200_544_679),
        ("ln_beta", 1e160, 0.3, -1e-160),
        ("ln_beta", 1e200, 1.0, -1e-200),
        ("ln_beta", 2.5, 1e300, -1e-300),
        ("powf", 1e-160, 2.5, -9.200_340_371_976_182e-238),
    ] {
        let point = [a, b];
        macro_rules! of {
            ($x:expr) => {
                match name {
                    "beta" => math::beta($x[0], $x[1]),
                    "ln_beta" => math::ln_beta($x[0], $x[1]),
                    _ => math::powf($x[0], $x[1]),
                }
            };
        }
        let along = |i: usize| std::array::from_fn(|k| f64::from(u8::from(k == i)));
        for (i, j) in [(0, 1), (1, 0)] {
            let one: [f64; 2] = along(j);
            let moving = one.map(Dual::constant);
            let fixed = one.map(Var::constant);
            let names: Vec<_> = find(name, 2).unwrap().arguments.iter().map(|a| a.name).collect();
            let function = Expr::call(name, names.iter().map(|name| Expr::variable(name)));
            let text = differentiate(&differentiate(&function, names[j]).unwrap(), names[i]);
            let at: Vec<_> = names.iter().copied().zip(point).collect();
            let found = [
                jvp(|x: &[Dual<f64>; 2]| jvp(|x| of!(x), x, &moving).1, &point, &along(i)).1,
                jvp(|x: &[Dual<f64>; 2]| gradient(|x| of!(x), x)[j], &point, &along(i)).1,
                gradient(|x: &[Var<f64>; 2]| jvp(|x| of!(x), x, &fixed).1, &point)[i],
                gradient(|x: &[Var<f64>; 2]| gradient(|x| of!(x), x)[j], &point)[i],
                evaluate(&text.unwrap(), &at).unwrap(),
            ];
            for (k, found) in found.into_iter().enumerate() {
                // The text of a power takes it at once, and loses what underflows.
                let error = ((found - exact) / exact).abs();
                assert!(
                    error < 2e-10 || name == "powf" && k == 4,
                    "{name} {a} {b} {i}{j} {k}: {found:e}"
                );
            }
        }
    }
}

/// One answer by every way to it, where the base or the exponent of a power is at an end.
/// The mixed second derivatives of a function, by x and then by y and the other way round, by each nesting of two modes.
macro_rules! mixed {
    ($f:expr, $point:expr) => {{
        let point: [f64; 2] = $point;
        let unit = |k: usize| if k == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
        let mut all = Vec::new();
        for k in 0..2 {
            let (u, l) = (unit(k), 1 - k);
            all.push(
                gradient(
                    |x: &[Var<f64>; 2]| {
                        jvp(|x: &[Dual<Var<f64>>; 2]| $f(x[0], x[1]), x, &u.map(Var::constant)).1
                    },
                    &point,
                )[l],
            );
            all.push(
                jvp(
                    |x: &[Dual<f64>; 2]| gradient(|x: &[Var<Dual<f64>>; 2]| $f(x[0], x[1]), x),
                    &point,
                    &u,
                )
                .1[l],
            );
            all.push(
                gradient(
                    |x: &[Var<f64>; 2]| gradient(|x: &[Var<Var<f64>>; 2]| $f(x[0], x[1]), x)[k],
                    &point,
                )[l],
            );
            all.push(
                jvp(
                    |x: &[Dual<f64>; 2]| {
                        jvp(|x: &[Dual<Dual<f64>>; 2]| $f(x[0], x[1]), x, &u.map(Dual::constant)).1
                    },
                    &point,
                    &unit(l),
                )
                .1,
            );
        }
        all
    }};
}

#[test]
fn mixed_derivatives_are_the_same_in_either_order() {
    for (what, found) in [
        ("xlogy", mixed!(math::xlogy, [0.0, -0.3])),
        ("xlogy far out", mixed!(math::xlogy, [-0.0, f64::NEG_INFINITY])),
        ("xlog1py", mixed!(math::xlog1py, [0.0, -3.0])),
        ("powf", mixed!(math::powf, [-2.0, 0.0])),
        ("powf of one", mixed!(math::powf, [-0.5, -0.0])),
        ("powf that jumps", mixed!(math::powf, [1.0, f64::INFINITY])),
        ("powf that jumps", mixed!(math::powf, [1.0, f64::NEG_INFINITY])),
    ] {
        assert!(found.iter().all(|x| x.is_nan()), "{what}: {found:?}");
    }
    // Where all is infinite.
    for y in [f64::INFINITY, 1e20, 3.0] {
        let found = mixed!(math::powf, [f64::INFINITY, y]);
        assert!(found.iter().all(|x| *x == f64::INFINITY), "{y}: {found:?}");
        let text: Expr = "powf(a, b)".parse().unwrap();
        let slope = differentiate(&text, "a").unwrap();
        let curvature = differentiate(&slope, "a").unwrap();
        for expression in [slope, curvature] {
            let found = evaluate(&expression, &[("a", f64::INFINITY), ("b", y)]).unwrap();
            assert_eq!(found, f64::INFINITY, "{expression} at {y}");
        }
    }
    // By y it is infinity over infinity.
    for [x, y] in [[f64::INFINITY; 2], [f64::NEG_INFINITY, f64::INFINITY]] {
        for found in [mixed!(math::xlogy, [x, y]), mixed!(math::xlog1py, [x, y])] {
            assert!([1, 4, 6, 7].iter().all(|i| f64::is_nan(found[*i])), "{x}: {found:?}");
        }
    }
    // By mpmath; the second derivative by a is 2e60, which cancels with itself.
    for (b, exact) in [(1e-20, -2.705808084277845), (0.5, -2.388944974699152)] {
        let found = mixed!(math::beta_slope, [1e-20, b]);
        assert!(found.iter().all(|x| (x / exact - 1.0).abs() < 1e-11), "{b:e}: {found:?}");
    }
    let text: Expr = "beta_slope(a, b)".parse().unwrap();
    assert_eq!(differentiate(&text, "a").unwrap().to_string(), "beta_curvature(a, b)");
    // Of the base of a logarithm that is infinite the derivatives are zero.
    let of_base = gradient(
        |x: &Var<f64>| gradient(|x: &Var<Var<f64>>| math::log_base(*x, nalgebra::convert(3.0)), x),
        &f64::INFINITY,
    );
    assert_eq!(of_base, 0.0);
}

/// The mixed derivative of a text by a and b, in both orders, where its expression is known.
fn mixed_by_text(text: &str, [a, b]: [f64; 2]) -> impl Iterator<Item = f64> {
    let text: Expr = text.parse().unwrap();
    let by = move |[first, second]: [&str; 2]| {
        let slope = differentiate(&text, first);
        let mixed = slope.and_then(|slope| differentiate(&slope, second)).ok()?;
        Some(evaluate(&mixed, &[("a", a), ("b", b)]).unwrap())
    };
    [["a", "b"], ["b", "a"]].into_iter().filter_map(by)
}

/// What is nearly nothing beside the value, or where that has underflowed, is right: by every nesting and by expressions,
/// whichever argument comes first. The numbers are from mpmath.
#[test]
fn mixed_derivatives_next_to_edges_do_not_cancel() {
    let mut wrong = Vec::new();
    macro_rules! near {
        ($($text:literal: |$a:ident, $b:ident| $f:expr, [$($x:expr, $y:expr => $exact:expr;)*])*) => {$(
            fn $a<T: Real>($a: T, $b: T) -> T {
                $f
            }
            for (point, exact) in [$(([$x, $y], $exact)),*] {
                let mut found = mixed!($a, point);
                found.extend(mixed_by_text($text, point));
                if !found.iter().all(|x: &f64| (x / exact - 1.0).abs() < 1e-11) {
                    wrong.push(format!("{} at {point:?}: {found:?}, not {exact:e}", $text));
                }
            }
        )*};
    }
    near! {
        "gamma_density(a, b)": |gamma_shape, x| math::gamma_density(gamma_shape, x), [
            3.0, 1e-300 => -6.911983122333122e-298;
            2.5, 1e-300 => -7.794978893461947e-148;
        ]
        "beta_density(a, 2, b)": |shape_of_end, x| math::beta_density(shape_of_end, convert(2.0), x), [
            3.0, 1e-300 => -1.655261266955713e-296;
        ]
        "beta_density(3, a, b)": |other_shape, x| math::beta_density(convert(3.0), other_shape, x), [
            2.0, 1e-300 => 2.6e-299;
        ]
        "beta_density(a, b, 1e-300)": |faint, b| math::beta_density(faint, b, convert(1e-300)), [
            1e-300, 2.0 => 0.28986813369645287;
        ]
        "beta_density(a, b, 1e-8)": |small, b| math::beta_density(small, b, convert(1e-8)), [
            1e-9, 2.5 => -0.9019284085273057;
            1e-30, 0.5 => -1.00000001;
            2.0, 1e-9 => -1.8420680963710668e-7;
        ]
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Slopes of the curvature by the other argument, which are nothing beside 2 / a^3.
    for (a, b, exact) in [
        (1e-9, 1.0, 6.221566506443986),
        (1e-4, 3.0, 5.46229093526185),
        (-1e-5, 0.5, 6.485625235641998),
        (1e-9, 1e-3, 6.800177292796461),
        (1e-9, 1e160, 5.024146828771571e-153),
    ] {
        // Of the slope, twice by the first and once by the second, in any order.
        for by in [[0, 0, 1], [0, 1, 0], [1, 0, 0]] {
            let number = |x: f64, place: usize| {
                let unit = by.map(|moves| if moves == place { 1.0 } else { 0.0 });
                let inside = Dual::new(Dual::new(x, [unit[0]]), [Dual::constant(unit[1])]);
                Dual::new(inside, [Dual::constant(Dual::constant(unit[2]))])
            };
            let found: Dual<Dual<Dual<f64>>> = math::beta_slope(number(a, 0), number(b, 1));
            let found = found.tangents[0].tangents[0].tangents[0];
            assert!((found / exact - 1.0).abs() < 1e-9, "{a:e}, {b:e}, {by:?}: {found:e}");
        }
    }
}

/// At an edge the mixed derivative is its limit, by every nesting and by expressions, whichever argument comes first.
#[test]
fn mixed_derivatives_at_edges_are_limits() {
    const INFINITY: f64 = f64::INFINITY;
    /// By the shape of the end x = 0, and of x = 1.
    fn of_first_shape<T: Real>(a: T, x: T) -> T {
        math::betainc(a, T::one(), x)
    }
    fn of_second_shape<T: Real>(b: T, x: T) -> T {
        math::betainc(T::one(), b, x)
    }
    fn density_by_first<T: Real>(a: T, x: T) -> T {
        math::beta_density(a, T::one() + T::one(), x)
    }
    fn density_by_second<T: Real>(b: T, x: T) -> T {
        math::beta_density(T::one() + T::one(), b, x)
    }
    let mut wrong = Vec::new();
    macro_rules! edges {
        ($($f:expr, $text:expr, [$($x:expr, $y:expr => $exact:expr;)*])*) => {$(
            for (point, exact) in [$(([$x, $y], $exact)),*] {
                let mut found = mixed!($f, point);
                found.extend(mixed_by_text($text, point));
                if !found.iter().all(|x: &f64| *x == exact || (x - exact).abs() < 1e-14) {
                    wrong.push(format!("{} at {point:?}: {found:?}, not {exact}", $text));
                }
            }
        )*};
    }
    edges! {
        // 1 / y.
        math::xlogy, "xlogy(a, b)", [
            0.0, 0.0 => INFINITY;
            -0.0, 0.0 => INFINITY;
            2.0, 0.0 => INFINITY;
            0.0, INFINITY => 0.0;
        ]
        math::xlog1py, "xlog1py(a, b)", [
            0.0, -1.0 => INFINITY;
            -0.0, -1.0 => INFINITY;
            -2.0, -1.0 => INFINITY;
        ]
        // -1 / (x base ln(base)^2).
        math::log_base, "log_base(a, b)", [
            0.0, 1.0 => -INFINITY;
            0.0, 2.0 => -INFINITY;
            INFINITY, 1.0 => 0.0;
        ]
        // x^(y - 1) (1 + y ln(x)).
        math::powf, "powf(a, b)", [
            INFINITY, -INFINITY => 0.0;
            INFINITY, -2.0 => 0.0;
            INFINITY, -0.5 => 0.0;
            INFINITY, 0.0 => 0.0;
            INFINITY, 0.5 => 0.0;
            INFINITY, 1.0 => INFINITY;
            INFINITY, 2.5 => INFINITY;
        ]
        // The density's derivatives by shapes: about -x^(a - 1) ln(x).
        math::gammainc_upper, "gammainc_upper(a, b)", [
            0.5, 0.0 => INFINITY;
            1.0, 0.0 => INFINITY;
            1.5, 0.0 => 0.0;
            3.0, 0.0 => 0.0;
        ]
        math::gamma_density, "gamma_density(a, b)", [
            1.5, 0.0 => -INFINITY;
            2.0, 0.0 => -INFINITY;
            3.0, 0.0 => 0.0;
        ]
        // At the end of the shape about x^(a - 1) ln(x); a (a + 1) x^(a - 1) (1 - x) at the other.
        density_by_first, "beta_density(a, 2, b)", [
            2.0, 0.0 => -INFINITY;
            3.0, 0.0 => 0.0;
            1.5, 1.0 => -4.0;
            3.0, 1.0 => -7.0;
        ]
        density_by_second, "beta_density(2, a, b)", [
            2.0, 1.0 => INFINITY;
            3.0, 1.0 => 0.0;
            1.5, 0.0 => 4.0;
            3.0, 0.0 => 7.0;
        ]
        of_first_shape, "betainc(a, 1, b)", [
            1.0, 0.0 => -INFINITY;
            1.5, 0.0 => 0.0;
            1.5, 1.0 => 1.0;
        ]
        of_second_shape, "betainc(1, a, b)", [
            0.7, 0.0 => 1.0;
            0.7, 1.0 => -INFINITY;
            3.0, 1.0 => 0.0;
        ]
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The third derivatives by an argument after the other, by nestings of three modes and by expressions.
macro_rules! third {
    ($f:expr, $text:expr, $point:expr, $along:expr) => {{
        let point: [f64; 2] = $point;
        let along: [usize; 3] = $along;
        let unit = |k: usize| if k == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
        let [i, j, k] = along;
        let inside: [Dual<Dual<f64>>; 2] = std::array::from_fn(|n| {
            Dual::new(Dual::new(point[n], [unit(k)[n]]), [Dual::constant(unit(j)[n])])
        });
        let thrice = std::array::from_fn(|n| {
            Dual::new(inside[n], [Dual::constant(Dual::constant(unit(i)[n]))])
        });
        let call = $f;
        let mut found = vec![
            call(&thrice).tangents[0].tangents[0].tangents[0],
            gradient(|x: &[Var<Dual<Dual<f64>>>; 2]| $f(x), &inside)[i].tangents[0].tangents[0],
            gradient(
                |x: &[Var<f64>; 2]| {
                    let slope = |x: &[Var<Var<f64>>; 2]| {
                        let moves = unit(i).map(|d| Var::constant(Var::constant(d)));
                        jvp(|x: &[Dual<Var<Var<f64>>>; 2]| $f(x), x, &moves).1
                    };
                    gradient(slope, x)[j]
                },
                &point,
            )[k],
            gradient(
                |x: &[Var<f64>; 2]| {
                    gradient(
                        |x: &[Var<Var<f64>>; 2]| {
                            gradient(|x: &[Var<Var<Var<f64>>>; 2]| $f(x), x)[i]
                        },
                        x,
                    )[j]
                },
                &point,
            )[k],
        ];
        let text: Expr = $text.parse().unwrap();
        let by = along.iter().try_fold(text, |e, &n| differentiate(&e, ["a", "b"][n])).unwrap();
        found.push(evaluate(&by, &[("a", point[0]), ("b", point[1])]).unwrap());
        found
    }};
}

/// Where a function of two numbers is at an end of its domain, its third derivatives are their limits in whichever order they are
/// taken, or undefined in each.
#[test]
fn third_derivatives_at_edges_are_limits() {
    const INFINITY: f64 = f64::INFINITY;
    let mut wrong = Vec::new();
    macro_rules! edges {
        ($($f:ident, $text:expr, [$($x:expr, $y:expr, $along:expr => $exact:expr;)*])*) => {$(
            $({
                let found = third!(|x: &[_; 2]| math::$f(x[0], x[1]), $text, [$x, $y], $along);
                if !found.iter().all(|x| near(*x, $exact, 1e-13)) {
                    wrong.push(format!("{} at {:?} by {:?}: {found:?}", $text, [$x, $y], $along));
                }
            })*
        )*};
    }
    edges! {
        // 0, -1 / y^2, 2 x / y^3.
        xlogy, "xlogy(a, b)", [
            0.0, 0.0, [0, 0, 1] => 0.0;
            0.0, 0.0, [1, 0, 0] => 0.0;
            -0.0, -0.0, [0, 1, 0] => 0.0;
            0.0, 0.0, [0, 1, 1] => -INFINITY;
            0.0, -0.0, [1, 0, 1] => -INFINITY;
            -0.0, 0.0, [1, 1, 0] => -INFINITY;
            2.0, -1.0, [0, 0, 0] => f64::NAN;
            2.0, -1.0, [0, 0, 1] => f64::NAN;
            1.5, 1e-90, [1, 1, 1] => 3e270;
        ]
        xlog1py, "xlog1py(a, b)", [
            0.0, -1.0, [0, 0, 1] => 0.0;
            0.0, -1.0, [1, 0, 0] => 0.0;
            -0.0, -1.0, [0, 1, 1] => -INFINITY;
            0.0, -1.0, [1, 1, 0] => -INFINITY;
            -0.5, -2.0, [0, 0, 0] => f64::NAN;
        ]
        // 1 / (x base^2), 1 / (base x^2), but for positive factors.
        log_base, "log_base(a, b)", [
            0.0, 1.0, [1, 0, 0] => INFINITY;
            0.0, 1.0, [0, 0, 1] => INFINITY;
            -0.0, 1.0, [0, 1, 0] => INFINITY;
        ]
        // Of the length r of (x, y), of its quotient x / r, of x / r^2 and of the angle: by powers of r.
        hypot, "hypot(a, b)", [
            1e-300, 2e-300, [0, 0, 1] => -INFINITY;
            1e-300, 2e-300, [0, 1, 0] => -INFINITY;
            1e-300, 2e-300, [1, 0, 0] => -INFINITY;
            1e-300, 2e-300, [1, 0, 1] => INFINITY;
            1e-160, 1e-160, [0, 1, 0] => INFINITY;
            1e-300, 0.0, [0, 0, 1] => 0.0;
            3e-120, 1e-120, [0, 0, 1] => 5.375872022286244e238;
            1e120, 3e110, [0, 1, 1] => -1e-240;
            1e120, 3e110, [0, 0, 1] => 6e-250;
        ]
        direction_cosine, "direction_cosine(a, b)", [
            // It is 3 y^2 (4 x^2 - y^2) / r^7.
            1e-300, 2e-300, [0, 0, 0] => 0.0;
            1e-300, 2e-300, [0, 1, 0] => INFINITY;
            1e-300, 2e-300, [1, 0, 1] => -INFINITY;
            1e-300, 2e-300, [1, 1, 1] => -INFINITY;
            0.0, 1e-300, [0, 1, 0] => 0.0;
            0.0, 1e-300, [0, 1, 1] => INFINITY;
            1e-300, 0.0, [1, 1, 0] => INFINITY;
            3e-90, 1e-90, [0, 0, 0] => 3.320391543176797e268;
            3e-90, 1e-90, [1, 1, 1] => 7.115124735378852e268;
        ]
        over_square, "over_square(a, b)", [
            1e-300, 2e-300, [0, 0, 0] => INFINITY;
            1e-300, 2e-300, [0, 0, 1] => INFINITY;
            1e-300, 2e-300, [1, 0, 1] => -INFINITY;
            1e-300, 1e-300, [0, 1, 0] => 0.0;
            1e-300, 0.0, [1, 0, 0] => 0.0;
            0.0, 1e-300, [1, 0, 1] => INFINITY;
            3e-60, 4e-60, [0, 0, 0] => 8.09472e237;
            3e-60, 4e-60, [0, 1, 0] => 5.16096e237;
            1.0, 1.0000000001, [0, 0, 1] => 3.000000247471113e-10;
        ]
        atan2, "atan2(a, b)", [
            1e-300, 2e-300, [0, 0, 0] => -INFINITY;
            1e-300, 2e-300, [0, 1, 0] => INFINITY;
            1e-300, 2e-300, [1, 0, 1] => INFINITY;
            1e-80, -2e-80, [0, 0, 0] => 3.2e238;
            1e-80, -2e-80, [1, 0, 0] => 1.76e239;
        ]
        // x^(y - 2) (y (y - 1) ln(x) + 2 y - 1) and x^(y - 1) ln(x) (y ln(x) + 2), from mpmath.
        powf, "powf(a, b)", [
            0.0, 2.0, [1, 0, 0] => -INFINITY;
            0.0, 2.0, [0, 0, 1] => -INFINITY;
            0.0, 2.5, [1, 0, 0] => 0.0;
            0.0, 2.5, [0, 1, 0] => 0.0;
            0.0, 1.5, [1, 0, 0] => -INFINITY;
            0.0, 1.5, [1, 1, 0] => 0.0;
            0.0, 2.0, [0, 1, 1] => 0.0;
            -0.0, 1.0, [1, 1, 0] => INFINITY;
            INFINITY, 2.0, [1, 0, 0] => INFINITY;
            INFINITY, 3.0, [0, 0, 1] => INFINITY;
            INFINITY, 1.0, [1, 1, 0] => INFINITY;
            INFINITY, 0.5, [1, 1, 0] => 0.0;
            INFINITY, -2.0, [0, 1, 0] => 0.0;
            0.0, 0.0, [1, 0, 0] => f64::NAN;
            0.0, -0.0, [0, 0, 1] => f64::NAN;
            -2.0, 0.0, [1, 0, 0] => f64::NAN;
            -2.0, 0.0, [0, 1, 0] => f64::NAN;
            -1.0, -0.0, [0, 0, 1] => f64::NAN;
            1e-300, 1.5, [1, 0, 0] => -5.160816459236602e152;
            1e-300, 1.5, [0, 0, 1] => -5.160816459236602e152;
            1e-300, 1.5, [0, 1, 1] => 7.143746938587872e-145;
            1e300, 3.0, [1, 0, 0] => 4.149653167389282e303;
            1e300, 3.0, [0, 1, 0] => 4.149653167389282e303;
        ]
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The same of x^1.5 by nestings; the expression adds infinities of both signs.
    let found = third!(|x: &[_; 2]| math::powf(x[0], x[1]), "powf(a, b)", [0.0, 1.5], [0, 0, 1]);
    assert_eq!(found[..4], [-INFINITY; 4]);
    assert!(found[4].is_nan());
}

/// By every nesting and by expressions, from mpmath.
#[test]
fn third_derivatives_do_not_cancel() {
    let mut wrong = Vec::new();
    macro_rules! check {
        ($($f:expr, $text:expr, $point:expr, $along:expr, $exact:expr;)*) => {$({
            let found = third!($f, $text, $point, $along);
            if !found.iter().all(|x| near(*x, $exact, 1e-9)) {
                wrong.push(format!("{} at {:?} by {:?}: {found:?}", $text, $point, $along));
            }
        })*};
    }
    check! {
        // Next to 0 it is -x / 2.
        |x: &[_; 2]| math::silu(x[0]), "silu(a)", [1e-300, 0.0], [0; 3], -5e-301;
        |x: &[_; 2]| math::silu(x[0]), "silu(a)", [-1e-160, 0.0], [0; 3], 5e-161;
        |x: &[_; 2]| math::silu(x[0]), "silu(a)", [1e-9, 0.0], [0; 3], -5e-10;
        |x: &[_; 2]| math::silu(x[0]), "silu(a)", [-30.0, 0.0], [0; 3], -2.526558201584851e-12;
        |x: &[_; 2]| math::silu(x[0]), "silu(a)", [1.5, 0.0], [0; 3], -0.2606729377352715;
        // exp(-x) (1 - x + ..) for the shape 1, and so on.
        |x: &[_; 2]| math::gammainc_lower(nalgebra::convert(1.0), x[0]), "gammainc_lower(1, a)", [1e-9, 0.0], [0; 3],
            0.999999999;
        |x: &[_; 2]| math::gammainc_lower(nalgebra::convert(2.0), x[0]), "gammainc_lower(2, a)", [1e-9, 0.0], [0; 3],
            -1.999999997;
        |x: &[_; 2]| math::gammainc_upper(nalgebra::convert(2.0), x[0]), "gammainc_upper(2, a)", [2e-4, 0.0], [0; 3],
            1.9994000799933337;
        // x^(y - 2) (y (y - 1) ln(x) + 2 y - 1) is 1 / x for y = 1.
        |x: &[_; 2]| math::powf(x[0], x[1]), "powf(a, b)", [1e300, 1.0], [1, 0, 0], 1e-300;
        |x: &[_; 2]| math::powf(x[0], x[1]), "powf(a, b)", [1e160, 1.0], [0, 1, 0], 1e-160;
        |x: &[_; 2]| math::powf(x[0], x[1]), "powf(a, b)", [1e-160, 1.0], [0, 0, 1], 1e160;
        // 1 / (x base^2 ln(base)^2) (1 + 2 / ln(base)).
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [2.0, 1e-300], [1, 0, 0], 2.0217325988298545e300;
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [0.5, 1e-160], [1, 0, 0], -1.5696769733232814e161;
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [1e160, 1e-300], [0, 1, 0], 7.40764100593929e-26;
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [1e160, 1e-300], [0, 0, 1], 7.40764100593929e-26;
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [1e160, 1e-300], [1, 0, 0], 7.40764100593929e-26;
        |x: &[_; 2]| math::log_base(x[0], x[1]), "log_base(a, b)", [0.25, 1e200], [0, 0, 0], -12176.37275748483;
        // -6 / x^4, and others at the ends of domains.
        |x: &[_; 2]| math::cosc(x[0]), "cosc(a)", [1e-200, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::cosc(x[0]), "cosc(a)", [-1e-200, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::coshc(x[0]), "coshc(a)", [1e-310, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::coshc(x[0]), "coshc(a)", [-1e-310, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::coshc(x[0]), "coshc(a)", [1e-76, 0.0], [0; 3], -6e304;
        |x: &[_; 2]| math::coshc(x[0]), "coshc(a)", [-1e-70, 0.0], [0; 3], -6e280;
        |x: &[_; 2]| math::sqrt(x[0]), "sqrt(a)", [0.0, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::sqrt(x[0]), "sqrt(a)", [-0.0, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [0.0, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [-0.0, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::spence(x[0]), "spence(a)", [-0.0, 0.0], [0; 3], -f64::INFINITY;
        // 2 x / y^3, of which 1 / y^2 has few digits.
        |x: &[_; 2]| math::xlogy(x[0], x[1]), "xlogy(a, b)", [1e300, 1e160], [1, 1, 1], 2e-180;
        |x: &[_; 2]| math::xlog1py(x[0], x[1]), "xlog1py(a, b)", [-1e300, 1e160], [1, 1, 1], -2e-180;
        // Polynomials, but for exp(-x^2).
        |x: &[_; 2]| math::erfc_ratio(3, x[0]), "erfc_ratio(3, a)", [-1e9, 0.0], [0; 3], 2e-36;
        |x: &[_; 2]| math::erfc_ratio(2, x[0]), "erfc_ratio(2, a)", [-1e3, 0.0], [0; 3], 1.5e-12;
        |x: &[_; 2]| math::erfc_ratio(5, x[0]), "erfc_ratio(5, a)", [-40.0, 0.0], [0; 3], 9.287588086702002e-7;
        // The parts of these at 0 and far out, each by itself.
        |x: &[_; 2]| math::acosh(x[0]), "acosh(a)", [1e100, 0.0], [0; 3], 2e-300;
        |x: &[_; 2]| math::acosh(x[0]), "acosh(a)", [3e40, 0.0], [0; 3], 7.407407407407406e-122;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [0.0, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [-0.0, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [1e-90, 0.0], [0; 3], -2e270;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [-1e-3, 0.0], [0; 3], -2000000000.00225;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [0.7, 0.0], [0; 3], -6.337233976681717;
        |x: &[_; 2]| math::acsch(x[0]), "acsch(a)", [1e308, 0.0], [0; 3], 0.0;
        |x: &[_; 2]| math::acoth(x[0]), "acoth(a)", [1.0, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::acoth(x[0]), "acoth(a)", [1.0000000000000002, 0.0], [0; 3], -9.134385233318143e46;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [1e-110, 0.0], [0; 3], 7.979387740858827e292;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [-1e-95, 0.0], [0; 3], 7.97938774085883e252;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [1e-200, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::cbrt(x[0]), "cbrt(a)", [1e-310, 0.0], [0; 3], f64::INFINITY;
        |x: &[_; 2]| math::csc(x[0]), "csc(a)", [1e-76, 0.0], [0; 3], -6e304;
        |x: &[_; 2]| math::csc(x[0]), "csc(a)", [-1e-70, 0.0], [0; 3], -6e280;
        |x: &[_; 2]| math::csc(x[0]), "csc(a)", [1e-200, 0.0], [0; 3], -f64::INFINITY;
        |x: &[_; 2]| math::csc(x[0]), "csc(a)", [-1e-310, 0.0], [0; 3], -f64::INFINITY;
        // Beside the poles of polygamma functions, each by itself.
        |x: &[_; 2]| math::ln_beta(x[0], x[1]), "ln_beta(a, b)", [1e-8, -0.46717500332878537], [0, 1, 0],
            -5.609418302270212;
        |x: &[_; 2]| math::trigamma_difference(x[0], x[1]), "trigamma_difference(a, b)", [1e-8, -0.46717500332878537],
            [0, 1, 0], -516.5102838271648;
        |x: &[_; 2]| math::digamma_difference(x[0], x[1]), "digamma_difference(a, b)", [-2.000000001, 3.0], [0; 3],
            5.999998014231507e36;
        |x: &[_; 2]| math::digamma_difference(x[0], x[1]), "digamma_difference(a, b)", [-2.999999999999, 2.0], [0; 3],
            0.4490740740749229;
        // -polygamma(2, a + b).
        |x: &[_; 2]| math::ln_beta(x[0], x[1]), "ln_beta(a, b)", [1e300, 1.0], [1, 1, 0], 0.0;
        |x: &[_; 2]| math::ln_beta(x[0], x[1]), "ln_beta(a, b)", [1e100, 2.5], [1, 1, 0], 1e-200;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Where x is a whole number of fours, x^2 / 2 turns round.
    let x = Dual::new(Dual::new(1e300, [1.0]), [Dual::constant(1.0)]);
    let along: Dual<Dual<f64>> = gradient(|x: &Var<_>| math::fresnel_s(*x), &x);
    assert_eq!(along.tangents[0].tangents[0], std::f64::consts::PI);
    // 1/2 - z for s = 0, and -(z^2 - z + 1/6) / 2 for s = -1.
    let slope = |s: f64, z: Var<f64>| math::zeta(Var::constant(s), z);
    assert_eq!(gradient(|z: &Var<f64>| slope(0.0, *z), &f64::INFINITY), -1.0);
    // csc(x)'' is csc(x) (1 + 2 cot(x)^2).
    let second =
        |x: f64| jvp(|x: &Dual<f64>| gradient(|x: &Var<Dual<f64>>| math::csc(*x), x), &x, &1.0).1;
    assert_eq!([second(0.0), second(-0.0)], [f64::INFINITY, f64::NEG_INFINITY]);
}

/// Differences of polygamma functions next to each other, on both sides of 0 and by expressions, from mpmath.
#[test]
fn derivatives_of_short_differences_do_not_cancel() {
    fn call<T: Real>(k: usize, a: T, b: T) -> T {
        if k == 0 { math::digamma_difference(a, b) } else { math::trigamma_difference(a, b) }
    }

    let mut wrong = Vec::new();
    let mut check = |what: String, found: &[f64], exact: f64| {
        if !found.iter().all(|x| (x - exact).abs() <= 1e-11 * exact.abs()) {
            wrong.push(format!("{what}: {found:?}, not {exact:e}"));
        }
    };
    // (a, b, the difference of digamma, trigamma, and the second and third derivatives of digamma)
    #[rustfmt::skip]
    let places: &[(f64, f64, [f64; 4])] = &[
        (1.0, 1e-300, [-1.6449340668482266e-300, 2.4041138063191885e-300, -6.493939402266829e-300, 2.488626612344088e-299]),
        (1.0, -1e-300, [1.6449340668482266e-300, -2.4041138063191885e-300, 6.493939402266829e-300, -2.488626612344088e-299]),
        (2.5, 1e-9, [-4.903577559821328e-10, 2.362040515297745e-10, -2.2390584866037407e-10, 3.137559992174468e-10]),
        (30.0, -1e-12, [3.389506035774052e-14, -1.1487652037286388e-15, 7.786003664736525e-17, -7.91494134018156e-18]),
        (0.25, -1e-160, [1.719732915450711e-159, -1.2932773993753691e-158, 1.5387821440091884e-157, -2.458437538863793e-156]),
        (-0.5, 1e-300, [-8.93480220054468e-300, 8.2879664423432e-301, -1.9340909103400244e-298, 3.474249826667225e-300]),
        (-0.5, -1e-9, [8.934802200959078e-09, -8.287967409388655e-10, 1.9340909103573957e-07, -3.474257512224e-09]),
        (-2.25, 1e-200, [-1.9379410511869138e-199, -1.2389694977406017e-198, -1.5584550231887144e-197, -2.4481479910902563e-196]),
        (-7.75, 1e-4, [-0.001961194494362309, 0.012396185927432515, -0.1557318661682903, 2.445698413739893]),
        (1e-3, 1e-20, [-1.0000016425331958e-14, 2.000000002397632e-11, -6.000000000006469e-08, 0.0002400000000000002]),
        (1e-7, -1e-40, [1.0000000000000165e-26, -2.0000000000000002e-19, 6e-12, -0.00024000000000000003]),
        (-1e-7, 1e-40, [-1.0000000000000165e-26, -2.0000000000000002e-19, -6e-12, -0.00024000000000000003]),
        (-1e-9, 1e-250, [-9.999999999999998e-233, -1.9999999999999996e-223, -5.999999999999999e-214, -2.3999999999999993e-204]),
        (1e-60, 1e-300, [-1e-180, 2.0000000000000003e-120, -6e-60, 24.000000000000004]),
        (1e7, 1e-3, [-1.0000000499500017e-10, 1.000000099900005e-17, -2.00000029970002e-24, 6.0000011988001e-31]),
    ];
    for &(a, b, exact) in places {
        let of_text = |text: &str, times: usize| {
            let once = |e: Expr, _| differentiate(&e, "a").unwrap();
            let expression = (0..times).fold(text.parse().unwrap(), once);
            evaluate(&expression, &[("a", a), ("b", b)]).unwrap()
        };
        let names = ["digamma_difference(a, b)", "trigamma_difference(a, b)"];
        for (k, name) in names.into_iter().enumerate() {
            let value = of_text(name, 0);
            let firsts: [f64; 2] = [
                jvp(|a| call(k, *a, nalgebra::convert(b)), &a, &1.0).1,
                gradient(|a: &Var<f64>| call(k, *a, nalgebra::convert(b)), &a),
            ];
            let second = jvp(
                |a: &Dual<f64>| gradient(|a: &Var<_>| call(k, *a, nalgebra::convert(b)), a),
                &a,
                &1.0,
            );
            check(format!("{name} at {a:e}, {b:e}"), &[value], exact[k]);
            check(
                format!("{name}' at {a:e}, {b:e}"),
                &[firsts[0], firsts[1], of_text(name, 1)],
                exact[k + 1],
            );
            check(format!("{name}'' at {a:e}, {b:e}"), &[second.1, of_text(name, 2)], exact[k + 2]);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is undefined by one argument has no derivatives by another after that: by the second argument first, or the first.
#[test]
fn mixed_derivatives_at_poles_are_undefined() {
    let (first, second) = ([0, 2, 3, 5], [1, 4, 6, 7]);
    for (what, order, found) in [
        ("ln_beta", second, mixed!(math::ln_beta, [2.0, -1.0])),
        ("ln_beta", first, mixed!(math::ln_beta, [-2.0, 0.5])),
        ("digamma_difference", first, mixed!(math::digamma_difference, [-2.0, 0.5])),
        ("digamma_difference", second, mixed!(math::digamma_difference, [-2.0, 0.5])),
        ("trigamma_difference", first, mixed!(math::trigamma_difference, [-1.0, 2.0])),
    ] {
        assert!(order.iter().all(|&i| f64::is_nan(found[i])), "{what}: {found:?}");
    }
}

/// What an expression says of its own derivative by an argument that this does not read.
#[test]
fn expressions_of_undefined_logarithms_have_no_derivatives() {
    for text in ["xlogy(a, b)", "xlog1py(a, b - 1)", "3 * xlogy(a, b) + a"] {
        let expression: Expr = text.parse().unwrap();
        let first = differentiate(&expression, "a").unwrap();
        let second = differentiate(&first, "a").unwrap();
        for a in [2.0, -1.0, 0.0] {
            for (b, exact) in [(-1.0, f64::NAN), (-0.25, f64::NAN), (0.5, 0.0), (3.0, 0.0)] {
                let found = evaluate(&second, &[("a", a), ("b", b)]).unwrap();
                assert!(
                    found == exact || found.is_nan() && exact.is_nan(),
                    "{text} {a} {b}: {found}"
                );
            }
        }
    }
    // By a zero of negative sign too, x / y is infinite as at the other.
    let by_b = differentiate(&"xlogy(a, b)".parse().unwrap(), "b").unwrap();
    for b in [0.0, -0.0] {
        assert_eq!(evaluate(&by_b, &[("a", 2.0), ("b", b)]).unwrap(), f64::INFINITY);
    }
    // The power underflows, its derivatives do not.
    let mixed = differentiate(&differentiate(&"a^b".parse().unwrap(), "b").unwrap(), "a").unwrap();
    let found: f64 = evaluate(&mixed, &[("a", 1e-300), ("b", 1.5)]).unwrap();
    assert!((found / -1.0351632918473205e-147 - 1.0).abs() < 1e-13, "{found:e}");
}

/// Of a shape that is 0 the density is a multiple: a (1 - x)^(b - 1) / x next to a = 0. From mpmath.
#[test]
fn densities_of_a_shape_that_is_0_have_their_derivatives() {
    for (b, x, first, by_place, second) in [
        (2.5, 0.3, 1.9522067285795095, -10.690655894602076, 0.29829524068688484),
        (0.7, 0.3, 3.709790060335472, -10.776056841926847, -13.702337317929404),
        (2.5, 0.75, 0.16666666666666666, -1.222222222222222, 0.3308967443649984),
        (0.7, 0.75, 2.020955422013864, -0.26946072293518186, -3.76095746462797),
    ] {
        let by_other = first * f64::ln_1p(-x);
        // The same of the other shape, at 1 - x.
        for swapped in [false, true] {
            let (point, own, other) =
                if swapped { ([b, 0.0, 1.0 - x], 1, 0) } else { ([0.0, b, x], 0, 1) };
            let place_sign = if swapped { -1.0 } else { 1.0 };
            let expression: Expr = "beta_density(a, b, x)".parse().unwrap();
            let names = ["a", "b", "x"];
            for (i, j, exact) in [
                (own, own, second),
                (own, other, by_other),
                (other, own, by_other),
                (own, 2, place_sign * by_place),
                (2, own, place_sign * by_place),
                (other, other, 0.0),
                (2, 2, 0.0),
            ] {
                let unit: [f64; 3] = std::array::from_fn(|k| f64::from(u8::from(k == j)));
                let slope =
                    |x: &[Dual<f64>; 3]| gradient(|x| math::beta_density(x[0], x[1], x[2]), x);
                let (value, along) = jvp(slope, &point, &unit);
                let forward = |x: &[Var<f64>; 3]| {
                    let unit: [f64; 3] = std::array::from_fn(|k| f64::from(u8::from(k == i)));
                    jvp(|x| math::beta_density(x[0], x[1], x[2]), x, &unit.map(Var::constant)).1
                };
                let by_text = differentiate(&expression, names[i]).unwrap();
                let twice = differentiate(&by_text, names[j]).unwrap();
                let at: Vec<_> = names.into_iter().zip(point).collect();
                for (what, found, exact) in [
                    ("first", value[own], first),
                    ("forward over reverse", along[i], exact),
                    ("reverse over forward", gradient(forward, &point)[j], exact),
                    ("by expressions", evaluate(&twice, &at).unwrap(), exact),
                ] {
                    assert!(
                        (found - exact).abs() <= 1e-12 * exact.abs(),
                        "{point:?} by {i} {j} {what}: {found}, not {exact}"
                    );
                }
            }
        }
    }
    // Far out the density and its derivatives are nothing, whatever the shape.
    for shape in [-1.5, -1.0, 0.0, 0.3, 2.0] {
        for found in mixed!(math::gamma_density, [shape, f64::INFINITY]) {
            assert_eq!(found, 0.0, "{shape}");
        }
    }
}

#[test]
fn the_slope_of_a_power_is_the_same_in_nestings() {
    for (x, y) in [(0.0, 0.0), (f64::NAN, 0.0), (0.5, f64::INFINITY), (2.0, f64::NEG_INFINITY)] {
        let slope = |x: f64| jvp(|x| math::powf(*x, Dual::constant(y)), &x, &1.0).1;
        assert_eq!(slope(x), 0.0);
        let inner = Dual::constant(y);
        let nested = gradient(
            |x: &Var<Dual<f64>>| math::powf(*x, Var::constant(inner)),
            &Dual::new(x, [1.0]),
        );
        assert_eq!(nested.value, 0.0, "{x} {y}");
        let text = differentiate(&"powf(x, y)".parse().unwrap(), "x").unwrap();
        assert_eq!(evaluate(&text, &[("x", x), ("y", y)]).unwrap(), 0.0, "{x} {y}: {text}");
    }
    // Beside large numbers, which are even, in single precision too there is no odd one. y (y - 1) has no digits of -1.
    let least =
        |y: &Dual<f32>| jvp(|y| math::powf(*y, nalgebra::convert(1e15)), y, &Dual::constant(1.0)).1;
    assert!((jvp(least, &-1.0_f32, &1.0).1 / 1e30 - 1.0).abs() < 1e-6);
    // y (y - 1) x^(y - 2), where that power overflows.
    let base = |x: &Dual<f64>| {
        jvp(|x| math::powf(*x, nalgebra::convert(1e-200)), x, &Dual::constant(1.0)).1
    };
    let found = jvp(base, &1e-200, &1.0).1;
    assert!((found / -1e200 - 1.0).abs() < 1e-13, "{found}");
}

/// The mixed derivative of x^y is x^(y - 1) (1 + y ln(x)), in either order, also where x^(y - 1) ln(x) is none of the numbers.
#[test]
fn mixed_derivatives_of_powers_next_to_zero() {
    macro_rules! check {
        ($scalar:ty, $x:expr, $y:expr, $mixed:expr, $tolerance:expr) => {{
            let (x, y): ($scalar, $scalar) = ($x, $y);
            type Inner = Dual<$scalar>;
            let along_x = |y: &Inner| {
                jvp(
                    |x| math::powf(*x, Dual::constant(*y)),
                    &Dual::constant(x),
                    &Dual::constant(1.0),
                )
                .1
            };
            let along_y = |x: &Inner| {
                jvp(
                    |y| math::powf(Dual::constant(*x), *y),
                    &Dual::constant(y),
                    &Dual::constant(1.0),
                )
                .1
            };
            let by_x = |y: &Var<$scalar>| {
                gradient(|x| math::powf(*x, Var::constant(*y)), &Var::constant(x))
            };
            let by_y = |x: &Var<$scalar>| {
                gradient(|y| math::powf(Var::constant(*x), *y), &Var::constant(y))
            };
            let found = [
                jvp(along_x, &y, &1.0).1,
                jvp(along_y, &x, &1.0).1,
                gradient(by_x, &y),
                gradient(by_y, &x),
            ];
            for found in found.map(f64::from) {
                let mixed: f64 = $mixed;
                let is_near = (found / mixed - 1.0).abs() < $tolerance;
                assert!(is_near || mixed.is_nan() && found.is_nan(), "{x:e} {y:e}: {found:e}");
            }
        }};
    }
    for (x, y) in [(1e-308, 0.0), (1e-306, 0.0), (3e-308, 1e-320), (1e-200, 0.0), (1e-307, 1e-3)] {
        let mixed = f64::powf(x, y) / x * (1.0 + y * x.ln());
        check!(f64, x, y, mixed, 1e-12);
    }
    #[cfg(feature = "f32")]
    for (x, y) in [(1e-38_f32, 0.0), (1e-20, 1e-20), (1e-37, 1e-3), (1e-30, 0.0)] {
        let (wide, exponent) = (f64::from(x), f64::from(y));
        check!(f32, x, y, wide.powf(exponent) / wide * (1.0 + exponent * wide.ln()), 1e-5);
    }
    for y in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        check!(f64, 1.0, y, f64::NAN, 0.0);
    }
}

#[test]
fn powers_of_a_factor_are_put_together() {
    let f: Expr = "x * (1 - x^1.1)".parse().unwrap();
    let second = differentiate(&differentiate(&f, "x").unwrap(), "x").unwrap();
    assert_eq!(evaluate(&second, &[("x", 0.0)]).unwrap(), 0.0, "{second}");
    let exact = -2.31 * 0.5_f64.powf(0.1);
    assert!((evaluate(&second, &[("x", 0.5)]).unwrap() - exact).abs() < 1e-14);
}

/// A function, its arguments, the shape that varies, and the derivative by it, from mpmath.
type Shape = (&'static str, &'static [f64], usize, f64);

#[test]
fn derivatives_by_shapes_at_whole_numbers() {
    #[rustfmt::skip]
    let lines: &[Shape] = &[
        ("gammainc_lower", &[1.0, 1.0], 0, -0.4317297106348987),
        ("gammainc_lower", &[1.0, 3.0], 0, -0.09648294199134635),
        ("gammainc_lower", &[2.0, 2.5], 0, -0.24878306814493012),
        ("gammainc_lower", &[3.0, 4.0], 0, -0.17824735787332882),
        ("gammainc_lower", &[5.0, 6.5], 0, -0.13144580296262562),
        ("gammainc_lower", &[10.0, 14.0], 0, -0.05669099771532573),
        ("gammainc_lower", &[20.0, 30.0], 0, -0.010966166487459576),
        ("gammainc_lower", &[2.0, 40.0], 0, -5.732487245607515e-16),
        ("gammainc_lower", &[1.0000000001, 1.0], 0, -0.43172971063153687),
        ("gammainc_lower", &[7.0, 7.25], 0, -0.14928343023398002),
        ("betainc", &[1.0, 1.0, 0.3], 0, -0.3611918412977808),
        ("betainc", &[1.0, 1.0, 0.3], 1, 0.24967246075711266),
        ("betainc", &[2.0, 3.0, 0.25], 0, -0.22805360232434638),
        ("betainc", &[2.0, 3.0, 0.25], 1, 0.1069215300522914),
        ("betainc", &[3.5, 2.0, 0.4], 0, -0.09068911500718586),
        ("betainc", &[3.5, 2.0, 0.4], 1, 0.1029913070023501),
        ("betainc", &[4.0, 2.0, 0.8], 0, -0.08259927751294055),
        ("betainc", &[4.0, 2.0, 0.8], 1, 0.23808486168802015),
        ("betainc", &[1.0, 5.0, 0.1], 0, -0.46109412143199163),
        ("betainc", &[1.0, 5.0, 0.1], 1, 0.06221433089078986),
        ("betainc", &[2.5, 1.0, 0.6], 0, -0.14244617762364223),
        ("betainc", &[2.5, 1.0, 0.6], 1, 0.305930957463644),
        ("betainc", &[6.0, 6.0, 0.5], 0, -0.11926239236330599),
        ("betainc", &[6.0, 6.0, 0.5], 1, 0.11926239236330599),
        ("betainc", &[3.0, 1.0, 0.9], 0, -0.07680781591455536),
        ("betainc", &[3.0, 1.0, 0.9], 1, 0.41250056020138637),
        ("betainc", &[2.0, 7.0, 0.15], 0, -0.2738847585943205),
        ("betainc", &[2.0, 7.0, 0.15], 1, 0.058718119436226485),
    ];
    let mut wrong = Vec::new();
    for &(name, arguments, by, exact) in lines {
        let varied: Vec<_> = arguments
            .iter()
            .enumerate()
            .map(|(i, x)| Dual::new(*x, [if i == by { 1.0 } else { 0.0 }]))
            .collect();
        let found = match varied[..] {
            [a, x] => math::gammainc_lower(a, x).tangents[0],
            [a, b, x] => math::betainc(a, b, x).tangents[0],
            _ => unreachable!(),
        };
        if (found - exact).abs() > 1e-12 * exact.abs() {
            wrong.push(format!("{name}{arguments:?} by {by}: {found:e}, not {exact:e}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The operators, changes of units, the power 1 and pieces of polynomials: their derivatives as texts are numbers.
const LINEAR: [&str; 12] = [
    "pos",
    "neg",
    "add",
    "sub",
    "mul",
    "div",
    "left_div",
    "ldexp",
    "to_degrees",
    "to_radians",
    "powf",
    "powi",
];

/// Where the value is NaN because an argument is, so is every derivative that is known: of the rules, of modes over
/// expressions to the second order, and of the expressions.
#[test]
fn the_derivatives_of_nan_are_nan() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for record in
        primitives().iter().filter(|record| record.module.starts_with("difrules_core::math::"))
    {
        let Some(instance) = record.instance("f64") else { continue };
        let types: Vec<_> = record.arguments.iter().map(|argument| argument.type_name).collect();
        if record.result != "T"
            || types.iter().any(|name| !["T", "i32", "u32", "bool"].contains(name))
        {
            continue;
        }
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let function = Expr::call(record.path, names.iter().map(|name| Expr::variable(name)));
        for undefined in 0..types.len() {
            if types[undefined] != "T" {
                continue;
            }
            let point: Vec<f64> =
                (0..types.len()).map(|i| if i == undefined { f64::NAN } else { 1.0 }).collect();
            let mut boxed: Vec<Box<dyn Any>> = types
                .iter()
                .zip(&point)
                .map(|(name, &x)| match *name {
                    "i32" => Box::new(x as i32) as Box<dyn Any>,
                    "u32" => Box::new(x as u32),
                    "bool" => Box::new(x > 0.0),
                    _ => Box::new(x),
                })
                .collect();
            for by in 0..types.len() {
                if !matches!(record.partials.get(by), Some(Partial::Known(_) | Partial::Code)) {
                    continue;
                }
                let mut given: Vec<_> = boxed.iter_mut().map(|x| &mut **x).collect();
                let mut y = 0.0_f64;
                let pullback = instance.reverse(&mut given, &mut y).expect(record.path);
                if !y.is_nan() {
                    continue;
                }
                let mut check = |what: &str, found: f64| {
                    if !found.is_nan() {
                        wrong.push(format!("{}{point:?} by {by}: {what} {found:e}", record.name));
                    }
                };
                let mut adjoints = vec![0.0_f64; point.len()];
                let mut slots: Vec<Option<&mut dyn Any>> = point.iter().map(|_| None).collect();
                slots[by] = Some(&mut adjoints[by]);
                pullback.pull(&1.0_f64, &mut slots).expect(record.path);
                check("the rule", adjoints[by]);
                let twice: Vec<_> = names
                    .iter()
                    .zip(&point)
                    .enumerate()
                    .map(|(i, (name, x))| {
                        let d = if i == by { 1.0 } else { 0.0 };
                        (*name, Dual::new(Dual::new(*x, [d]), [Dual::constant(d)]))
                    })
                    .collect();
                if let Ok(found) = evaluate(&function, &twice) {
                    check("a mode", found.value.tangents[0]);
                    check("two modes", found.tangents[0].tangents[0]);
                }
                // A text that does not read the argument knows nothing of it.
                let reads = |expr: &Expr| expr.variables().contains(names[undefined]);
                if !LINEAR.contains(&record.name)
                    && let Ok(slope) = differentiate(&function, names[by])
                    && reads(&slope)
                {
                    let point: Vec<_> = names.iter().copied().zip(point.iter().copied()).collect();
                    check("the expression", evaluate(&slope, &point).expect(record.path));
                    if let Ok(second) = differentiate(&slope, names[by])
                        && reads(&second)
                    {
                        check(
                            "the second expression",
                            evaluate(&second, &point).expect(record.path),
                        );
                    }
                }
                checked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 150, "{checked}");
}

/// The same by nested modes over the functions themselves, and in reverse.
#[test]
fn the_derivatives_of_nan_are_nan_to_the_second_order() {
    macro_rules! check {
        ($($name:ident)*) => {$(
            let f = |x: &Dual<f64>| gradient(|x: &Var<Dual<f64>>| math::$name(*x), x);
            let (slope, curvature) = jvp(f, &f64::NAN, &1.0);
            assert!(slope.is_nan() && curvature.is_nan(), "{} {slope} {curvature}", stringify!($name));
        )*};
    }
    check!(floor ceil round trunc fract signum relu abs softplus logistic neg pos to_degrees mod2pi tanh sinint spence erf
        gamma ln sqrt);
    macro_rules! check_two {
        ($($name:ident)*) => {$(
            let f = |x: &Dual<f64>| gradient(|x: &Var<Dual<f64>>| math::$name(*x, *x), x);
            let (slope, curvature) = jvp(f, &f64::NAN, &1.0);
            assert!(slope.is_nan() && curvature.is_nan(), "{} {slope} {curvature}", stringify!($name));
        )*};
    }
    check_two!(max min maximum minimum rem modulo copysign add atan2);
    let clamped = |x: &Var<f64>| math::clamp(*x, Var::constant(0.0), Var::constant(1.0));
    assert!(gradient(clamped, &f64::NAN).is_nan());
    let chosen = |x: &Var<f64>| math::select(true, *x, Var::constant(1.0));
    assert!(gradient(chosen, &f64::NAN).is_nan());
}

/// The text of a function of plain numbers says that it is none for modes.
#[test]
fn the_text_of_a_plain_function_refuses_modes() {
    let refused = |f: fn(Var<f64>) -> Var<f64>| {
        let caught = std::panic::catch_unwind(|| gradient(|x: &Var<f64>| f(*x), &0.5));
        let error = caught.expect_err("a panic");
        error.downcast_ref::<String>().is_some_and(|text| text.contains("call the function"))
    };
    assert!(refused(math::erf::primal));
    assert!(refused(math::gamma::primal));
    assert!(refused(|x| math::gammainc_lower::primal(x, Var::constant(1.0))));
    assert!(refused(|x| math::betainc::primal(x, x, x)));
    assert!(refused(|x| math::sici::primal(x).0));
    assert!(refused(|x| math::hankelh1::primal(Var::constant(1.0), x).re));
    assert!(refused(|x| math::besselj::primal(Var::constant(1.0), x)));
    assert!(refused(math::airyai::primal));
    assert!(refused(|x| math::zeta::primal(Var::constant(2.0), x)));
    assert!(refused(|x| math::lambert_w::primal(0, x)));
    assert!(refused(math::ndtr::primal));
    // What does not vary has no derivative to lose.
    assert_eq!(math::erf::primal(Var::constant(0.5_f64)).value(), math::erf(0.5));
    // What is written for any scalar has the derivative.
    assert_eq!(gradient(|x| math::tanh::primal(*x), &0.0_f64), 1.0);
}

/// The derivatives of a text, and those of a mode over it.
fn by_text_and_by_mode(text: &str, x: f64) -> [[f64; 2]; 2] {
    let expression: Expr = text.parse().unwrap();
    let slope = differentiate(&expression, "x").unwrap();
    let curvature = differentiate(&slope, "x").unwrap();
    let at = |expression| evaluate(expression, &[("x", x)]).unwrap();
    let twice = Dual::new(Dual::new(x, [1.0]), [Dual::constant(1.0)]);
    let mode = evaluate(&expression, &[("x", twice)]).unwrap();
    [[at(&slope), at(&curvature)], [mode.value.tangents[0], mode.tangents[0].tangents[0]]]
}

/// A mode over a text takes the derivatives of 1 / x factor by factor, as one over the code does.
#[test]
fn modes_over_the_text_of_a_logarithm() {
    let text: Expr = "x * ln(x / y)".parse().unwrap();
    let by = |x: f64, y: f64, inner: [f64; 2], outer: [f64; 2]| {
        let moved =
            |x: f64, k: usize| Dual::new(Dual::new(x, [inner[k]]), [Dual::constant(outer[k])]);
        let at: [(&str, Dual<Dual<f64>>); 2] = [("x", moved(x, 0)), ("y", moved(y, 1))];
        evaluate(&text, &at).unwrap().tangents[0].tangents[0]
    };
    // 1 / x and -1 / y.
    for (x, y) in [(1.0, 1e-200), (2.0, 1e-300), (1e-9, 1e-200)] {
        let found = by(x, y, [1.0, 0.0], [1.0, 0.0]);
        assert!((found * x - 1.0).abs() < 1e-13, "{x:e} {y:e}: {found:e}");
    }
    for (x, y) in [(1e200, 1.0), (1e180, 0.5)] {
        let found = by(x, y, [0.0, 1.0], [1.0, 0.0]);
        assert!((found * y + 1.0).abs() < 1e-13, "{x:e} {y:e}: {found:e}");
    }
}

/// A product has a derivative where one factor is zero and the other has none, in a text as in numbers.
#[test]
fn a_product_with_a_root_has_its_derivative_at_zero() {
    for (text, x, slope) in [
        ("x * sqrt(x)", 0.0, 0.0),
        ("sqrt(x) * x", 0.0, 0.0),
        ("x^2 * sqrt(x)", 0.0, 0.0),
        ("x * (sqrt(x) + cbrt(x))", 0.0, 0.0),
        ("sin(x) * sqrt(x)", 0.0, 0.0),
        ("x / (1 + sqrt(x))", 0.0, 1.0),
        ("(1 - x) * sqrt(1 - x)", 1.0, 0.0),
        ("(x - 1) * acos(x)", 1.0, 0.0),
        ("x * (1 - x^1.1)", 0.0, 1.0),
        ("x * asin(x)", 0.0, 0.0),
        ("sqrt(x) * asin(x)", 0.0, 0.0),
        ("cbrt(x) * sqrt(x)", 0.0, f64::NAN),
        ("sqrt(x) * sqrt(x)", 0.0, f64::NAN),
        ("cbrt(x) * cbrt(x) * cbrt(x)", 0.0, f64::NAN),
        ("sqrt(x) + x", 0.0, f64::INFINITY),
    ] {
        for [found, _] in by_text_and_by_mode(text, x) {
            assert!(found == slope || found.is_nan() && slope.is_nan(), "{text}: {found}");
        }
    }
    // Beside it the other term counts, in the second derivative too.
    let [text, mode] = by_text_and_by_mode("x * sqrt(1 + x)", 0.0);
    assert_eq!((text, mode), ([1.0, 1.0], [1.0, 1.0]));
    for x in [1e-200, 0.25, 3.0] {
        let [text, mode] = by_text_and_by_mode("x * sqrt(x)", x);
        for (text, mode) in text.into_iter().zip(mode) {
            assert!((text - mode).abs() <= 1e-15 * mode.abs(), "{x}: {text} {mode}");
        }
    }
}

/// The least exponent, which no integer is one less than.
#[test]
fn the_least_integer_power_has_derivatives() {
    let n = f64::from(i32::MIN);
    let x = 1.0 + 1e-9;
    let power = math::powi(x, i32::MIN);
    let [text, mode] = by_text_and_by_mode("powi(x, -2147483648)", x);
    for found in [text, mode] {
        assert!((found[0] - n * power / x).abs() <= 1e-12 * (n * power).abs(), "{found:?}");
        let curvature = n * (n - 1.0) * power / x / x;
        assert!((found[1] - curvature).abs() <= 1e-12 * curvature, "{found:?}");
    }
}

/// Factors whose product in another order overflows or underflows, in a text, its simpler form and its derivatives.
#[test]
fn factors_stay_in_their_order() {
    let (large, small) = (1e200, 1e-200);
    for (text, y, z, slope) in [
        ("x * (y * z)", large, small, 1.0),
        ("x * (y / z)", small, 1e-300, 1e100),
        ("x / y * z", large, large, 1.0),
        ("x * y / z", 1e100, 1e-200, f64::INFINITY),
        ("x / (y / z)", small, small, 1.0),
        ("x / y / z", small, large, 1.0),
        ("3 * (x * (y * z))", large, small, 3.0),
        ("x * (y * z) + x", large, small, 2.0),
        ("sin(y * z) * (x * (y * z))", large, small, 1.0_f64.sin()),
    ] {
        let expression: Expr = text.parse().unwrap();
        let by_x = differentiate(&expression, "x").unwrap();
        for x in [1.0, large, small] {
            let at = |e: &Expr| evaluate(e, &[("x", x), ("y", y), ("z", z)]).unwrap();
            let found = at(&by_x);
            assert!((found - slope).abs() <= 1e-15 * slope || found == slope, "{by_x}: {found}");
            let (written, simple) = (at(&expression), at(&expression.simplify()));
            let same = written == simple || (written - simple).abs() <= 1e-15 * written.abs();
            assert!(same, "{text} at {x}: {written}, simplified {simple}");
        }
    }
}

/// Where a shape, and the place, are next to 0, of which a quotient is infinite alone; and where a shape is so large that slopes
/// overflow, by every nesting and by expressions. From mpmath.
#[test]
fn beta_densities_at_the_ends_of_the_numbers() {
    let mut wrong = Vec::new();
    macro_rules! check {
        ($($f:expr, $text:literal, $point:expr => $exact:expr;)*) => {$({
            let (point, exact): ([f64; 2], f64) = ($point, $exact);
            let mut found = mixed!($f, point);
            found.extend(mixed_by_text($text, point));
            if !found.iter().all(|x: &f64| near(*x, exact, 1e-11)) {
                wrong.push(format!("{} at {point:?}: {found:?}, not {exact:e}", $text));
            }
        })*};
    }
    fn by_shapes<T: Real>(a: T, b: T) -> T {
        math::beta_density(a, b, convert(1e-300))
    }
    fn with_the_largest_shape<T: Real>(a: T, x: T) -> T {
        math::beta_density(a, convert(1e308), x)
    }
    check! {
        by_shapes, "beta_density(a, b, 1e-300)", [1e-305, 1e-100] => 2e195;
        by_shapes, "beta_density(a, b, 1e-300)", [1e-305, 3e-90] => 2.222222222222222e174;
        with_the_largest_shape, "beta_density(a, 1e308, b)", [0.0, 0.5] => 0.0;
        with_the_largest_shape, "beta_density(a, 1e308, b)", [0.0, 0.25] => 0.0;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // 1 / x beside a b / (a + b) where that is not more than x.
    assert_eq!(math::beta_density(1e-310, 1e-100, 1e-310), 1.0);
    assert!(
        (math::beta_density(1e-310_f64, 3e-309, 0.5) / 3.87096774193546e-310 - 1.0).abs() < 1e-12
    );
    // Outside of the domain too the code and the text say the same.
    let slope = differentiate(&"beta_density(a, b, x)".parse().unwrap(), "a").unwrap();
    for b in [-0.001, -0.5] {
        let at = [("a", 1e308), ("b", b), ("x", 0.0)];
        assert_eq!(evaluate(&slope, &at).unwrap(), 0.0, "{b}");
    }
}

/// Of the function of Lambert next to 0, where powers of x overflow before the quotient does, in every nesting and by expressions.
#[test]
fn lambert_w_next_to_zero() {
    for x in [-1e-200, -1e-300, -1e-160] {
        let second = [
            jvp(|x| jvp(|x| math::lambert_w_plus_one(-1, *x), x, &Dual::constant(1.0)).1, &x, &1.0)
                .1,
            jvp(|x: &Dual<f64>| gradient(|x| math::lambert_w_plus_one(-1, *x), x), &x, &1.0).1,
            gradient(|x| jvp(|x| math::lambert_w_plus_one(-1, *x), x, &Var::constant(1.0)).1, &x),
            gradient(|x: &Var<f64>| gradient(|x| math::lambert_w_plus_one(-1, *x), x), &x),
        ];
        assert_eq!(second, [-f64::INFINITY; 4], "{x:e}");
        let text: Expr = "lambert_w_plus_one(-1, x)".parse().unwrap();
        let by_text = differentiate(&differentiate(&text, "x").unwrap(), "x").unwrap();
        assert_eq!(evaluate(&by_text, &[("x", x)]).unwrap(), -f64::INFINITY, "{x:e}");
    }
    // 1 / x - 1 / (x (1 + W)) where it is in range.
    let slope = jvp(|x| math::lambert_w_plus_one(-1, *x), &-1e-200_f64, &1.0).1;
    assert!((slope / -1.0021474774782386e200 - 1.0).abs() < 1e-12, "{slope:e}");
}

/// Of functions of so small an order that the order less one has none of its digits, at 0.
#[test]
fn scaled_bessel_functions_of_small_order_at_zero() {
    const INFINITY: f64 = f64::INFINITY;
    for (order, exact) in [(1e-18, INFINITY), (1e-100, INFINITY), (-1e-30, -INFINITY)] {
        for x in [0.0, -0.0] {
            let slope = |x: &Dual<f64>| {
                gradient(|x: &Var<Dual<f64>>| math::besselix(convert(order), *x), x)
            };
            assert_eq!(jvp(slope, &x, &1.0), (exact, -exact), "{order:e}");
        }
    }
}

/// The same, of double precision: the value, and derivatives to the second order in every nesting, from mpmath.
#[test]
fn functions_of_stumpff_whose_exponential_is_too_large() {
    for (k, z, exact) in [
        (1, -4.95e5, [2.5405032414911263e302, -1.8028908717417998e299, 1.2776191395255936e296]),
        (2, -4.95e5, [3.6109140732643895e299, -2.5588701144894922e296, 1.81076302149883e293]),
        (5, -4.95e5, [1.036834299149526e291, -7.316095142047625e287, 5.155035341121748e284]),
        (0, -5.05e5, [f64::INFINITY, -1.4808490402954107e305, 1.0404555616994505e302]),
        (1, -5.05e5, [2.9616980805908213e305, -2.0809111233989014e302, 1.4600062444804099e299]),
        (2, -5.05e5, [4.16768699547224e302, -2.9241214916830464e299, 2.0487273637942268e296]),
        (3, -5.05e5, [5.86474867443727e299, -4.1090027222266614e296, 2.874828196110805e293]),
        (8, -5.05e5, [3.236092749961217e285, -2.2512744955707357e282, 1.563955724387283e279]),
        (20, -5.05e5, [1.9510692838026544e251, -1.3341325223594117e248, 9.109912305083738e244]),
        (1, -5.2e5, [f64::INFINITY, -7.170321348044671e306, 4.957943818215973e303]),
        (2, -5.2e5, [1.4360557205839297e307, -9.929638418813282e303, 6.856348840739824e300]),
        (20, -6e5, [2.0917831135061655e278, -1.3153771418561103e275, 8.260822466258656e271]),
    ] {
        let call = |z: &Var<f64>| math::stumpff(k, *z);
        let twice = |z: &Dual<f64>| {
            jvp(|z: &Dual<Dual<f64>>| math::stumpff(k, *z), z, &Dual::constant(1.0)).1
        };
        let slope = |z: &Dual<f64>| gradient(|z: &Var<Dual<f64>>| math::stumpff(k, *z), z);
        let found = [
            (math::stumpff(k, z), 0),
            (gradient(call, &z), 1),
            (jvp(|z: &Dual<f64>| math::stumpff(k, *z), &z, &1.0).1, 1),
            (jvp(twice, &z, &1.0).1, 2),
            (jvp(slope, &z, &1.0).1, 2),
            (
                gradient(
                    |z| jvp(|z: &Dual<Var<f64>>| math::stumpff(k, *z), z, &Var::constant(1.0)).1,
                    &z,
                ),
                2,
            ),
            (gradient(|z| gradient(|z: &Var<Var<f64>>| math::stumpff(k, *z), z), &z), 2),
        ];
        for (found, order) in found {
            assert!(near(found, exact[order], 1e-12), "of order {k} at {z}: {found:e}, {order}");
        }
    }
}

/// The numbers of the order below are too large, or the value is, and those of the orders above are not. From double precision.
#[cfg(feature = "f32")]
#[test]
fn functions_of_stumpff_overflow_no_sooner_than_their_derivatives() {
    macro_rules! derivatives {
        ($k:expr, $z:expr) => {{
            let slope = gradient(|z| math::stumpff($k, *z), &$z);
            [slope, hvp(|z| math::stumpff($k, *z), &$z, &1.0)].map(f64::from)
        }};
    }
    let mut compared = 0;
    for k in 0..8 {
        for z in [-1.0_f32, -30.0, -300.0, -7000.0, -9000.0, -1e4, -1.02e4, -2e4] {
            let (found, wanted) = (derivatives!(k, z), derivatives!(k, f64::from(z)));
            for (found, wanted) in found.into_iter().zip(wanted) {
                if wanted.abs() > 3.4e38 {
                    assert!(!found.is_finite(), "of order {k} at {z}: {found:e} for {wanted:e}");
                    continue;
                }
                let is_near = (found / wanted - 1.0).abs() < 1e-5;
                // Behind two orders that are too large it is unknown, and numbers on the way are some times larger.
                let is_unknown = found.is_nan() && z == -2e4;
                let overflows = wanted.abs() > 1e38 && found.is_infinite();
                assert!(
                    is_near || is_unknown || overflows,
                    "of order {k} at {z}: {found:e} for {wanted:e}"
                );
                compared += usize::from(is_near);
            }
        }
    }
    assert!(compared > 80, "{compared}");
}

#[cfg(feature = "f32")]
#[test]
fn special_functions_of_single_precision_are_those_of_double_precision_rounded() {
    use difrules_core::registry::Instance;

    /// Value and derivative by an argument.
    fn push<T: Copy + 'static>(instance: &Instance, at: &[T], by: usize, mut one: T) -> [T; 2] {
        let mut at = at.to_vec();
        let mut arguments: Vec<_> = at.iter_mut().map(|x| x as &mut dyn Any).collect();
        let mut tangents: Vec<Option<&mut dyn Any>> = arguments.iter().map(|_| None).collect();
        tangents[by] = Some(&mut one);
        let mut results = [const { None::<Box<dyn Any>> }; 2];
        let [value, slope] = &mut results;
        instance.forward(&mut arguments, &mut tangents, value, slope).expect("it fits");
        results.map(|result| *result.expect("it was put there").downcast().expect("a number"))
    }

    const AT: [f32; 16] = [
        -1e10,
        -1000.0,
        -45.611343,
        -28.334888,
        -0.9,
        -0.031980675,
        -1e-5,
        0.001,
        0.030004,
        0.3,
        1.0,
        2.642377,
        5.0,
        7.5,
        22.652834,
        1e8,
    ];
    const NAMES: [&str; 17] = [
        "beta",
        "ln_beta",
        "beta_slope",
        "beta_curvature",
        "beta_mixed_slope",
        "digamma_difference",
        "trigamma_difference",
        "besselj",
        "bessely",
        "besseli",
        "besselix",
        "besselkx",
        "zeta",
        "gamma_density",
        "gammainc_lower",
        "betainc",
        "beta_density",
    ];
    let mut compared = 0;
    for record in primitives().iter().filter(|record| NAMES.contains(&record.name)) {
        let of = |scalar| record.instance(scalar).expect("it has both");
        let count = record.arguments.len();
        for k in 0..AT.len().pow(count as u32) {
            let places = (0..count as u32).map(|i| k / AT.len().pow(i) % AT.len());
            let at: Vec<f32> = places.map(|place| AT[place]).collect();
            let wide: Vec<f64> = at.iter().map(|&x| x.into()).collect();
            // By these nobody knows derivatives.
            let known = |by: &usize| !["order", "s"].contains(&record.arguments[*by].name);
            for by in (0..count).filter(known) {
                let (found, wanted) =
                    (push(of("f32"), &at, by, 1.0), push(of("f64"), &wide, by, 1.0));
                for (found, wanted) in found.map(f64::from).into_iter().zip(wanted) {
                    let fits = if wanted.is_nan() {
                        found.is_nan()
                    } else if wanted.abs() < 1e38 {
                        (found - wanted).abs() <= 1e-6 * wanted.abs() + 1e-37
                    } else {
                        found.abs() >= 1e38
                    };
                    let name = record.name;
                    assert!(fits, "{name} by {by} at {at:?}: {found:e} for {wanted:e}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}
