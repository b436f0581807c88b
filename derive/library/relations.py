"""Which update rule is which: rows of data. The formulas are those of the rules; here stand only the maps."""

from __future__ import annotations

from derive.derivation import Text
from derive.library.optimizers import OPTIMIZERS
from derive.relations import Relation

CORRECTED_RATE = "eta*sqrt(1 - beta2**t)/(1 - beta1**t)"
CORRECTED_EPS = "eps*sqrt(1 - beta2**t)"

RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        Relation(
            "gd-as-sgd", Text("Gradient descent is SGD on all the data", "경사하강법은 전체 데이터에 대한 SGD"),
            OPTIMIZERS["gd"], OPTIMIZERS["sgd"],
        ),
        # --- momentum ------------------------------------------------------------------------------------------------
        Relation(
            "heavy-ball",
            Text(
                "The learning rate inside momentum or outside: the same rule if it is constant",
                "학습률이 모멘텀 안에 있든 밖에 있든, 일정하면 같은 규칙",
            ),
            OPTIMIZERS["momentum-torch"], OPTIMIZERS["momentum"],
            state={"m": "-eta*v"}, fixed={"tau": "0"}, constant=True,
        ),
        Relation(
            "heavy-ball-back",
            Text(
                "The learning rate outside momentum or inside: the same rule if it is constant and not 0",
                "학습률이 모멘텀 밖에 있든 안에 있든, 0이 아니고 일정하면 같은 규칙",
            ),
            OPTIMIZERS["momentum"], OPTIMIZERS["momentum-torch"],
            hyper={"tau": "0"}, state={"v": "-m/eta"}, conditions="eta > 0", constant=True,
        ),
        Relation(
            "ema-as-momentum",
            Text(
                "Momentum as a moving average is momentum with the learning rate eta*(1 - beta1)",
                "이동평균 모멘텀은 학습률이 eta*(1 - beta1) 인 모멘텀",
            ),
            OPTIMIZERS["ema-momentum"], OPTIMIZERS["momentum"],
            hyper={"eta": "eta*(1 - beta1)"}, state={"m": "-eta*m"}, constant=True,
        ),
        Relation(
            "ema-as-heavy-ball",
            Text(
                "Momentum as a moving average is heavy ball with eta*(1 - beta1), under any schedule",
                "이동평균 모멘텀은 어떤 스케줄에서도 학습률이 eta*(1 - beta1) 인 헤비볼",
            ),
            OPTIMIZERS["ema-momentum"], OPTIMIZERS["momentum-torch"],
            hyper={"eta": "eta*(1 - beta1)", "tau": "0"}, state={"v": "m/(1 - beta1)"},
        ),
        Relation(
            "heavy-ball-as-ema",
            Text(
                "Heavy ball is momentum as a moving average with eta/(1 - beta1), under any schedule",
                "헤비볼은 어떤 스케줄에서도 학습률이 eta/(1 - beta1) 인 이동평균 모멘텀",
            ),
            OPTIMIZERS["momentum-torch"], OPTIMIZERS["ema-momentum"],
            hyper={"eta": "eta/(1 - beta1)"}, state={"m": "(1 - beta1)*v"}, fixed={"tau": "0"},
        ),
        Relation(
            "nesterov-shifted",
            Text(
                "Nesterov's two forms: the shifted one is the one that looks ahead, at u = w + beta1*m",
                "네스테로프의 두 꼴: 옮긴 변수의 꼴은 앞을 내다보는 꼴에서 u = w + beta1*m 으로 쓴 것",
            ),
            OPTIMIZERS["nesterov-torch"], OPTIMIZERS["nesterov"],
            state={"w": "w + beta1*eta*v", "m": "-eta*v"}, constant=True,
        ),
        Relation(
            "nesterov-ahead",
            Text(
                "Nesterov's two forms, by the change of variables u = w + beta1*m",
                "네스테로프의 두 꼴, 변수 변환 u = w + beta1*m",
            ),
            OPTIMIZERS["nesterov"], OPTIMIZERS["nesterov-torch"],
            state={"w": "w + beta1*m", "v": "-m/eta"}, conditions="eta > 0", constant=True,
        ),
        Relation(
            "nesterov-shifted-l2",
            Text(
                "With an L2 penalty, too, Nesterov's two forms are one: its gradient is taken ahead as well",
                "L2 벌점이 있어도 네스테로프의 두 꼴은 같다: 벌점의 기울기도 앞에서 구한다",
            ),
            OPTIMIZERS["nesterov-torch"].with_decay(), OPTIMIZERS["nesterov"].with_decay(),
            state={"w": "w + beta1*eta*v", "m": "-eta*v"}, constant=True,
        ),
        *(
            Relation(
                f"{name}-as-sgd",
                Text(
                    f"SGD at beta1 = 0: {OPTIMIZERS[name].title.en}",
                    f"beta1 = 0 이면 SGD: {OPTIMIZERS[name].title.ko}",
                ),
                OPTIMIZERS[name], OPTIMIZERS["sgd"], fixed=fixed,
            )
            for name, fixed in (
                ("momentum", {"beta1": "0"}), ("momentum-torch", {"beta1": "0", "tau": "0"}),
                ("ema-momentum", {"beta1": "0"}), ("nesterov", {"beta1": "0"}), ("nesterov-torch", {"beta1": "0"}),
            )
        ),
        # --- weight decay --------------------------------------------------------------------------------------------
        Relation(
            "sgd-l2-as-sgdw",
            Text(
                "Without momentum an L2 penalty is decoupled weight decay: w shrinks by 1 - eta*lam",
                "모멘텀이 없으면 L2 벌점은 분리된 가중치 감쇠와 같다: w 가 1 - eta*lam 배가 된다",
            ),
            OPTIMIZERS["sgdw"], OPTIMIZERS["sgd"].with_decay(), fixed={"beta1": "0"},
        ),
        Relation(
            "sgdw-as-sgd", Text("SGDW without momentum and decay is SGD", "모멘텀과 감쇠가 없는 SGDW 는 SGD"),
            OPTIMIZERS["sgdw"], OPTIMIZERS["sgd"], fixed={"beta1": "0", "lam": "0"},
        ),
        Relation(
            "sgdw-as-momentum",
            Text("SGDW without decay is momentum", "가중치 감쇠가 없는 SGDW 는 모멘텀"),
            OPTIMIZERS["sgdw"], OPTIMIZERS["momentum"], state={"m": "-m"}, fixed={"lam": "0"},
        ),
        Relation(
            "adamw-as-adam", Text("AdamW without decay is Adam", "가중치 감쇠가 없는 AdamW 는 Adam"),
            OPTIMIZERS["adamw"], OPTIMIZERS["adam"], fixed={"lam": "0"},
        ),
        # --- Adam ----------------------------------------------------------------------------------------------------
        Relation(
            "adam-as-eps-hat",
            Text(
                "Adam is its eps-hat form with eps*sqrt(1 - beta2^t) for eps at step t",
                "Adam 은 걸음 t 의 eps 가 eps*sqrt(1 - beta2^t) 인 eps-hat 꼴",
            ),
            OPTIMIZERS["adam"], OPTIMIZERS["adam-eps-hat"], hyper={"eps": CORRECTED_EPS},
        ),
        Relation(
            "adam-as-uncorrected",
            Text(
                "Bias correction is a learning rate and an eps that vary with t",
                "편향 보정은 걸음에 따라 변하는 학습률과 eps",
            ),
            OPTIMIZERS["adam"], OPTIMIZERS["adam-lecture"], hyper={"eta": CORRECTED_RATE, "eps": CORRECTED_EPS},
        ),
        Relation(
            "eps-hat-as-uncorrected",
            Text(
                "The eps-hat form of Adam is Adam without bias correction under a schedule",
                "eps-hat 꼴의 Adam 은 스케줄을 쓴, 편향 보정 없는 Adam",
            ),
            OPTIMIZERS["adam-eps-hat"], OPTIMIZERS["adam-lecture"], hyper={"eta": CORRECTED_RATE},
        ),
        Relation(
            "adam-average",
            Text("Adam's m is the m of momentum as a moving average", "Adam 의 m 은 이동평균 모멘텀의 m"),
            OPTIMIZERS["adam-lecture"], OPTIMIZERS["ema-momentum"], names=("m",),
        ),
        Relation(
            "adam-squares", Text("Adam's v is the v of RMSprop", "Adam 의 v 는 RMSprop 의 v"),
            OPTIMIZERS["adam-lecture"], OPTIMIZERS["rmsprop"], names=("v",),
        ),
        Relation(
            "adam-as-rmsprop",
            Text("Adam without momentum (beta1 = 0) is RMSprop", "모멘텀이 없는 (beta1 = 0) Adam 은 RMSprop"),
            OPTIMIZERS["adam-lecture"], OPTIMIZERS["rmsprop"], fixed={"beta1": "0"},
        ),
        Relation(
            "corrected-as-rmsprop",
            Text(
                "Adam with beta1 = 0 is RMSprop with a learning rate and an eps that vary with t",
                "beta1 = 0 인 Adam 은 학습률과 eps 가 걸음에 따라 변하는 RMSprop",
            ),
            OPTIMIZERS["adam"], OPTIMIZERS["rmsprop"],
            hyper={"eta": "eta*sqrt(1 - beta2**t)", "eps": CORRECTED_EPS}, fixed={"beta1": "0"},
        ),
        Relation(
            "amsgrad-corrected",
            Text(
                "AMSGrad with the largest average corrected is AMSGrad with a rate and an eps that vary with t",
                "가장 큰 평균을 보정하는 AMSGrad 는 학습률과 eps 가 걸음에 따라 변하는 AMSGrad",
            ),
            OPTIMIZERS["amsgrad-torch"], OPTIMIZERS["amsgrad"], hyper={"eta": CORRECTED_RATE, "eps": CORRECTED_EPS},
        ),
        Relation(
            "adan-as-adam",
            Text(
                "Adan without differences (beta2 = 0) and decay is Adam without bias correction",
                "차이를 쓰지 않고 (beta2 = 0) 감쇠도 없는 Adan 은 편향 보정 없는 Adam",
            ),
            OPTIMIZERS["adan"], OPTIMIZERS["adam-lecture"], hyper={"beta2": "beta3"}, fixed={"beta2": "0", "lam": "0"},
        ),
        # --- RMSprop, AdaGrad ----------------------------------------------------------------------------------------
        Relation(
            "adagrad-as-rmsprop",
            Text(
                "AdaGrad is RMSprop with beta2 = 1 - 1/t, eta/sqrt(t) and eps/sqrt(t): the sum is t times the mean",
                "AdaGrad 은 beta2 = 1 - 1/t, eta/sqrt(t), eps/sqrt(t) 를 쓴 RMSprop: 합은 평균의 t 배",
            ),
            OPTIMIZERS["rmsprop"], OPTIMIZERS["adagrad"], state={"v": "t*v"},
            fixed={"beta2": "1 - 1/t", "eta": "eta/sqrt(t)", "eps": "eps/sqrt(t)"},
        ),
        Relation(
            "adagrad-decay-as-adagrad",
            Text("AdaGrad whose rate does not decay is AdaGrad", "학습률이 줄지 않으면 그냥 AdaGrad"),
            OPTIMIZERS["adagrad-decay"], OPTIMIZERS["adagrad"], fixed={"decay": "0"},
        ),
        Relation(
            "adagrad-decay-as-schedule",
            Text(
                "AdaGrad with a decaying rate is AdaGrad under the schedule eta/(1 + (t - 1)*decay)",
                "학습률이 줄어드는 AdaGrad 은 스케줄 eta/(1 + (t - 1)*decay) 를 쓴 AdaGrad",
            ),
            OPTIMIZERS["adagrad-decay"], OPTIMIZERS["adagrad"], hyper={"eta": "eta/(1 + (t - 1)*decay)"},
        ),
        Relation(
            "rmsprop-momentum-as-rmsprop",
            Text("RMSprop with momentum, beta1 = 0, is RMSprop", "beta1 = 0 이면 모멘텀을 더한 RMSprop 은 RMSprop"),
            OPTIMIZERS["rmsprop-momentum"], OPTIMIZERS["rmsprop"], fixed={"beta1": "0"},
        ),
        # --- signs and averages --------------------------------------------------------------------------------------
        Relation(
            "lion-as-signsgd",
            Text("Lion that remembers nothing is signSGD", "아무것도 기억하지 않는 Lion 은 signSGD"),
            OPTIMIZERS["lion"], OPTIMIZERS["signsgd"], fixed={"beta1": "0", "beta2": "0", "lam": "0"},
        ),
        Relation(
            "lion-average",
            Text(
                "Lion's m is a moving average of the gradients, kept by beta2",
                "Lion 의 m 은 beta2 로 기억하는 이동평균",
            ),
            OPTIMIZERS["lion"], OPTIMIZERS["ema-momentum"], hyper={"beta1": "beta2"}, names=("m",),
        ),
        Relation(
            "asgd-as-sgd",
            Text(
                "The parameter of averaged SGD without decay takes SGD steps, each with the rate of a step before",
                "감쇠가 없는 평균 SGD 의 파라미터는 한 걸음 전 학습률로 SGD 걸음을 걷는다",
            ),
            OPTIMIZERS["asgd"], OPTIMIZERS["sgd"], hyper={"eta": "rate"}, fixed={"lam": "0"},
        ),
    )
}  # fmt: skip
